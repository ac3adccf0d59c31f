import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openAsAdmin, openBrowser } from "./browser";
import { Daemon, until } from "./daemon";

/* The server dies as in a power cut, and comes back. */

let daemon: Daemon;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  daemon = await Daemon.startWithTrades();
  browser = await openBrowser();
  page = await openAsAdmin(browser, daemon);
});
afterAll(async () => {
  await browser.close();
  await daemon.stop();
});

interface Open {
  position_id: string;
  protected: boolean;
}
const openPositions = async (): Promise<Open[]> => (await daemon.get<{ items: Open[] }>("/api/trading/positions")).items;
const badge = (name: RegExp) => page.getByTestId("connection").and(page.getByRole("status", { name }));

test("lose and regain the connection", { timeout: 180_000 }, async () => {
  await page.goto(`${daemon.url}/engine`);
  await badge(/^Connected/).waitFor();
  const before = await openPositions();
  expect(before.length).toBeGreaterThan(0);
  const pause = page.getByRole("main").getByRole("button", { name: "Pause", exact: true }).first();
  expect(await pause.getAttribute("aria-disabled")).toBeNull();

  await daemon.kill();
  await badge(/^Disconnected/).waitFor();
  const banner = page.getByText("Not connected to the server");
  await banner.waitFor();
  await page
    .getByText(/Next try in \d+ s|Emergency commands still go out/)
    .first()
    .waitFor();

  // Ordinary commands are off and say why; what stops in an emergency is not.
  await expect.poll(() => pause.getAttribute("aria-disabled")).toBe("true");
  expect(await pause.getAttribute("aria-description")).toContain("not connected");
  await page.getByRole("button", { name: "Emergency", exact: true }).click();
  const sheet = page.getByRole("dialog", { name: "Emergency" });
  expect(await sheet.getByRole("button", { name: "Emergency stop" }).getAttribute("aria-disabled")).toBeNull();
  expect(await sheet.getByRole("button", { name: "Kill switch" }).getAttribute("aria-disabled")).toBeNull();
  // Given into the void it fails, and says so.
  await sheet.getByRole("button", { name: "Emergency stop" }).click();
  const dialog = page.getByRole("dialog", { name: "Emergency stop" });
  await dialog.getByRole("button", { name: "Emergency stop" }).click();
  await dialog.getByRole("button", { name: "Press again to confirm" }).click();
  await dialog.getByRole("alert").waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });

  // Numbers stay, marked as old.
  await page
    .getByText(/as of .* ago/)
    .first()
    .waitFor({ timeout: 20_000 });

  await daemon.restart();
  await badge(/^Connected/).waitFor({ timeout: 60_000 });
  await banner.waitFor({ state: "hidden" });
  await expect.poll(() => pause.getAttribute("aria-disabled")).toBeNull();
  await expect.poll(() => page.getByText(/as of .* ago/).count()).toBe(0);
  const after = await until(30, "protected positions", async () => {
    const now = await openPositions();
    return now.every((one) => one.protected) && now;
  });
  expect(after.map((one) => one.position_id)).toEqual(before.map((one) => one.position_id));

  // What the page shows comes from the new life of the server.
  await page.keyboard.press("g");
  await page.keyboard.press("p");
  await page.waitForURL("**/trading/positions");
  for (const { position_id: id } of after) await page.locator(`main [data-key="${id}"]`).waitFor();
});
