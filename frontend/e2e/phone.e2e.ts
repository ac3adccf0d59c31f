import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openAsAdmin, openBrowser, phone, sidewaysScroll } from "./browser";
import { Daemon } from "./daemon";

/* 360 px wide, by touch. */

let daemon: Daemon;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  daemon = await Daemon.startWithTrades();
  browser = await openBrowser();
  page = await openAsAdmin(browser, daemon, { theme: "dark", size: phone });
});
afterAll(async () => {
  await browser.close();
  await daemon.stop();
});

test("the bottom bar leads to the pages of every day", async () => {
  for (const [word, path] of [
    ["Positions", "/trading/positions"],
    ["Scanner", "/scanner"],
    ["Engine", "/engine"],
    ["Dashboard", "/dashboard"],
  ] as const) {
    const link = page.getByRole("navigation").getByRole("link", { name: word, exact: true }).locator("visible=true").last();
    const box = await link.boundingBox();
    expect(box?.height, word).toBeGreaterThanOrEqual(44);
    await link.tap();
    await page.waitForURL(`**${path}`);
    await page.getByRole("heading", { level: 1, name: word }).waitFor();
  }
});

test("More opens the drawer with the other pages, which closes when one is chosen", async () => {
  await page.getByRole("button", { name: "More" }).tap();
  const drawer = page.getByRole("dialog");
  await drawer.getByRole("link", { name: "Monitoring" }).tap();
  await page.waitForURL("**/monitoring**");
  await drawer.waitFor({ state: "hidden" });
});

test("tables are cards", async () => {
  await page.goto(`${daemon.url}/trading/trades`);
  await page.getByRole("list", { name: "Closed trades" }).getByRole("listitem").first().waitFor();
  expect(await page.getByRole("main").getByRole("table").count()).toBe(0);
  await page.goto(`${daemon.url}/trading/positions`);
  await page.getByRole("main").getByText("Protected").first().waitFor();
  expect(await sidewaysScroll(page)).toBe(0);
});

test("the emergency is two taps away from every page", async () => {
  for (const path of ["/dashboard", "/trading/positions", "/chart/BTCUSDT", "/logs"]) {
    await page.goto(`${daemon.url}${path}`);
    await page.getByRole("button", { name: "Emergency", exact: true }).tap();
    const stop = page.getByRole("dialog", { name: "Emergency" }).getByRole("button", { name: "Emergency stop" });
    await stop.waitFor();
    const box = await stop.boundingBox();
    expect(box?.height, path).toBeGreaterThanOrEqual(44);
    await stop.tap();
    const dialog = page.getByRole("dialog", { name: "Emergency stop" });
    await dialog.getByRole("button", { name: "Cancel" }).first().tap();
    await dialog.waitFor({ state: "hidden" });
  }
});

test("what is tapped is large enough", async () => {
  await page.goto(`${daemon.url}/trading/positions`);
  await page.getByRole("heading", { level: 1, name: "Positions" }).waitFor();
  const small = await page.getByRole("button").evaluateAll((buttons) =>
    buttons
      .map((button) => ({ name: button.textContent || button.getAttribute("aria-label"), box: button.getBoundingClientRect() }))
      .filter(({ box }) => box.height > 0 && box.height < 43.5)
      .map(({ name, box }) => `${name ?? ""}: ${Math.round(box.height)} px`),
  );
  expect(small).toEqual([]);
});
