import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openAsAdmin, openBrowser } from "./browser";
import { Daemon, until } from "./daemon";

/* Stopping the engine in each way and getting it going again. One story, test after test. */

interface Status {
  session_state: string;
  latch: { cause: string | null } | null;
}

let daemon: Daemon;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  daemon = await Daemon.startWithTrades();
  browser = await openBrowser();
  page = await openAsAdmin(browser, daemon);
  await page.goto(`${daemon.url}/engine`);
  await page.getByRole("heading", { level: 1, name: "Engine" }).waitFor();
});
afterAll(async () => {
  await browser.close();
  await daemon.stop();
});

const status = (): Promise<Status> => daemon.get<Status>("/api/engine/status");
const inState = (state: string): Promise<unknown> =>
  until(15, `the engine ${state}`, async () => (await status()).session_state === state);

async function openSheet(): Promise<Locator> {
  await page.getByRole("button", { name: "Emergency", exact: true }).click();
  const sheet = page.getByRole("dialog", { name: "Emergency" });
  await sheet.waitFor();
  return sheet;
}

test("pause asks because a position is open, resume does not", async () => {
  const main = page.getByRole("main");
  await main.getByRole("button", { name: "Pause", exact: true }).first().click();
  const dialog = page.getByRole("dialog", { name: "Pause" });
  await dialog.getByText(/go on/).waitFor();
  await dialog.getByRole("button", { name: "Pause", exact: true }).click();
  await dialog.waitFor({ state: "hidden" });
  await inState("paused");
  await page.getByRole("banner").getByText("Paused").waitFor();
  await main.getByRole("button", { name: "Resume", exact: true }).first().click();
  await until(15, "the engine resumed", async () => (await status()).session_state !== "paused");
});

test("one press does not stop, two do; the banner says since when and what to do", async () => {
  const sheet = await openSheet();
  await sheet.getByRole("button", { name: "Emergency stop" }).click();
  const dialog = page.getByRole("dialog", { name: "Emergency stop" });
  await dialog.waitFor();
  await dialog.getByRole("button", { name: "Emergency stop" }).click();
  await dialog.getByRole("button", { name: "Press again to confirm" }).waitFor();
  expect((await status()).latch).toBeNull();
  await dialog.getByRole("button", { name: "Press again to confirm" }).click();
  await dialog.waitFor({ state: "hidden" });
  await until(15, "the latch", async () => (await status()).latch);
  const banner = page.getByRole("alert").filter({ hasText: "Emergency is latched" });
  await banner.getByText(/since .* an admin resets the engine/).waitFor();
  await page.getByText("HALTED", { exact: true }).first().waitFor();
  // What is open keeps its stop at the venue.
  const { items } = await daemon.get<{ items: { protected: boolean }[] }>("/api/trading/positions");
  expect(items.every((one) => one.protected)).toBe(true);
});

async function reset(): Promise<void> {
  await page.goto(`${daemon.url}/engine`);
  const button = page.getByRole("main").getByRole("button", { name: "Reset", exact: true });
  await button.click();
  const dialog = page.getByRole("dialog", { name: "Reset" });
  const confirm = dialog.getByRole("button", { name: "Reset", exact: true });
  await dialog.getByLabel("Type RESET to confirm").fill("reset");
  await dialog.getByRole("textbox", { name: "Reason" }).fill("looked at positions and orders");
  expect(await confirm.isDisabled()).toBe(true);
  await dialog.getByLabel("Type RESET to confirm").fill("RESET");
  await confirm.click();
  await dialog.waitFor({ state: "hidden" });
  await until(15, "no latch", async () => (await status()).latch === null);
}

test("reset wants the word and a reason, and starts nothing by itself", async () => {
  await reset();
  await inState("idle");
  await page.getByRole("alert").filter({ hasText: "Emergency is latched" }).waitFor({ state: "hidden" });
  // From here on fills are wanted: an order at the market fills with the next candle.
  await daemon.changeSettings({ DEMO_SPEED: 120, AUTOSTART: "none" });
  await page
    .getByTestId("connection")
    .and(page.getByRole("status", { name: /^Connected/ }))
    .waitFor({ timeout: 60_000 });
  await page.getByRole("main").getByRole("button", { name: "Start on paper" }).first().click();
  await until(30, "a running session", async () => !["idle", "stopped"].includes((await status()).session_state));
});

test("the kill switch wants a reason and a second of holding; it closes everything", async () => {
  const sheet = await openSheet();
  await sheet.getByRole("button", { name: "Kill switch" }).click();
  const dialog = page.getByRole("dialog", { name: "Kill switch" });
  await dialog.waitFor();
  const button = dialog.getByRole("button", { name: "Kill switch" });
  expect(await button.isDisabled()).toBe(true);
  await dialog.getByRole("textbox", { name: "Reason" }).fill("end-to-end test");
  // Let go too early: nothing but the offer to press again.
  await button.hover();
  await page.mouse.down();
  await page.waitForTimeout(300);
  await page.mouse.up();
  expect((await status()).latch).toBeNull();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  expect((await status()).latch).toBeNull();

  await (await openSheet()).getByRole("button", { name: "Kill switch" }).click();
  await dialog.getByRole("textbox", { name: "Reason" }).fill("end-to-end test");
  await button.hover();
  await page.mouse.down();
  await dialog.waitFor({ state: "hidden" });
  await page.mouse.up();
  await until(15, "the latch", async () => (await status()).latch);
  await until(30, "no open position", async () => {
    const { items } = await daemon.get<{ items: unknown[] }>("/api/trading/positions");
    return items.length === 0;
  });
  await page.getByRole("alert").filter({ hasText: "Emergency is latched" }).waitFor();
  await reset();
  await inState("idle");
  const { items } = await daemon.get<{ items: unknown[] }>("/api/audit?limit=50");
  expect(JSON.stringify(items)).toContain("end-to-end test");
});
