import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openAsAdmin, openBrowser, watchFaults } from "./browser";
import { Daemon, until } from "./daemon";

/* A trade as a person watches it: candidate, position, exit, and why. */

interface Trade {
  trade_id: string;
  position_id: string;
  symbol: string;
  side: string;
  exit_reason: string;
}

let daemon: Daemon;
let browser: Browser;
let page: Page;
let faults: string[];

beforeAll(async () => {
  daemon = await Daemon.start({ DEMO_SPEED: 60 });
  browser = await openBrowser();
  page = await openAsAdmin(browser, daemon);
  faults = watchFaults(page);
});
afterAll(async () => {
  await browser.close();
  await daemon.stop();
});

const short = (symbol: string): string => symbol.split(":")[0] ?? symbol;

test("from candidate to exit", { timeout: 240_000 }, async () => {
  // The dashboard names mode, state and preset before anything is asked.
  await page.getByRole("heading", { level: 1, name: "Dashboard" }).waitFor();
  await page.getByText("DEMO", { exact: true }).first().waitFor();
  const candidates = page.getByRole("table", { name: "Candidates" }).locator("tbody tr");
  await candidates.first().waitFor({ timeout: 60_000 });

  // A position appears by itself, without a reload.
  const open = page.getByRole("table", { name: "Open positions" }).locator("tbody tr[data-key]");
  await open.first().waitFor({ timeout: 90_000 });
  const id = await open.first().getAttribute("data-key");
  expect(id).toMatch(/^P\d+$/);
  await daemon.changeSettings({ DEMO_SPEED: 2 });
  await page.getByRole("status", { name: /^Connected/ }).waitFor({ timeout: 60_000 });

  // Its own page: chart, facts, orders, and the reasons it was opened for.
  const { position } = await daemon.get<{ position: { symbol: string; side: string } }>(`/api/trading/positions/${id ?? ""}`);
  await page.goto(`${daemon.url}/trading/positions/${id ?? ""}`);
  await page.getByRole("heading", { level: 1, name: `${short(position.symbol)} ${position.side}` }).waitFor();
  await page.getByRole("heading", { name: "Result line by line" }).waitFor();
  expect(await page.locator("main canvas").count()).toBeGreaterThan(0);

  // It is closed, by the market or by its rules, and becomes a trade.
  await daemon.changeSettings({ DEMO_SPEED: 600 });
  const trade = await until(120, `the trade of ${id ?? ""}`, async () => {
    const { items } = await daemon.get<{ items: Trade[] }>("/api/trading/trades?limit=50");
    return items.find((one) => one.position_id === id);
  });
  await daemon.changeSettings({ DEMO_SPEED: 2 });
  await page.goto(`${daemon.url}/trading/trades`);
  const row = page.locator(`tbody tr[data-key="${trade.trade_id}"]`);
  await row.waitFor();
  await row.focus();
  await page.keyboard.press("Enter");
  await page.waitForURL(`**/trading/trades/${trade.trade_id}**`);
  await page.getByRole("heading", { level: 1, name: `${short(trade.symbol)} ${trade.side}` }).waitFor();
  await page.getByRole("heading", { name: "Why it was opened and closed" }).waitFor();
  await page.locator("main canvas").first().waitFor();

  // The chart has the trade on it: something is drawn in another colour than the background.
  const drawn = await until(20, "a drawn chart", () =>
    page.evaluate(() => {
      const canvas = [...document.querySelectorAll("main canvas")].find(
        (one): one is HTMLCanvasElement => one instanceof HTMLCanvasElement && one.width > 300 && one.height > 150,
      );
      const pixels = canvas?.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height).data;
      return pixels ? new Set(new Uint32Array(pixels.buffer)).size : 0;
    }),
  );
  expect(drawn).toBeGreaterThan(3);
});

test("decisions say why", async () => {
  await page.goto(`${daemon.url}/decisions`);
  await page.getByRole("heading", { level: 1, name: "Decisions" }).waitFor();
  const { items } = await daemon.get<{ items: { symbol: string }[] }>("/api/decisions?limit=1");
  expect(items.length).toBe(1);
  await page.locator("main tbody tr[data-key]").first().waitFor();
});

test("nothing was said on the console", () => {
  // The restarts cut the connection on purpose.
  const cut = /ERR_CONNECTION_REFUSED|WebSocket connection|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/;
  expect(faults.filter((fault) => !cut.test(fault))).toEqual([]);
});
