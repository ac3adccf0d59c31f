import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openAsAdmin, openBrowser, settle } from "./browser";
import { Daemon, until } from "./daemon";

/* A backtest from the form to the report, and two of them side by side. */

let daemon: Daemon;
let browser: Browser;
let page: Page;
let id: string;

beforeAll(async () => {
  daemon = await Daemon.start({ DEMO_SPEED: 10 });
  browser = await openBrowser();
  page = await openAsAdmin(browser, daemon);
  await page.goto(`${daemon.url}/backtests`);
  await settle(page);
});
afterAll(async () => {
  await browser.close();
  await daemon.stop();
});

test("the empty list leads to the form", async () => {
  await page.getByText("No run yet.").waitFor();
  await page.getByRole("main").getByRole("link", { name: "New backtest" }).first().click();
  await page.waitForURL("**/backtests/new**");
  await page.getByLabel("Data set").first().waitFor();
});

test("a wrong range is told at its field", async () => {
  await page.goto(`${daemon.url}/backtests/new?preset=breakout_v1_relaxed`);
  await page.getByLabel("From (UTC)").fill("2025-05-20");
  await page.getByLabel("To (UTC), exclusive").fill("2025-05-10");
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await page.getByRole("alert").first().waitFor();
  expect(page.url()).toContain("/backtests/new");
  const { items } = await daemon.get<{ items: unknown[] }>("/api/backtests");
  expect(items).toEqual([]);
});

test("progress comes by the feed, then the result", { timeout: 240_000 }, async () => {
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.getByLabel("From (UTC)").fill("2025-05-05");
  await page.getByLabel("To (UTC), exclusive").fill("2025-05-09");
  const symbols = page.getByRole("combobox", { name: "Symbols" }).or(page.getByRole("textbox", { name: "Symbols" }));
  await symbols.first().click();
  for (const name of ["BTC/USDT", "ETH/USDT"]) await page.getByRole("option", { name, exact: true }).click();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await page.waitForURL(/\/backtests\/B\d+/);
  id = /B\d+/.exec(page.url())?.[0] ?? "";
  await page.getByRole("progressbar").first().waitFor();
  await page.getByRole("heading", { name: "What to know first" }).waitFor({ timeout: 180_000 });
  // The feed says that it moved and that it is done: the run itself is not asked for again and again.
  expect(asked.filter((url) => new URL(url).pathname === `/api/backtests/${id}`).length).toBeLessThan(5);
  await page.getByText("Turnover is estimated from price and volume").waitFor();
  const { digest } = await daemon.get<{ digest: string }>(`/api/backtests/${id}/result`);
  await page.getByText(digest.slice(0, 8)).first().waitFor();
});

test("the report opens without any other host", async () => {
  const report = page.getByRole("link", { name: "Report" });
  const address = await report.getAttribute("href");
  const opened = await page.context().newPage();
  const others: string[] = [];
  opened.on("request", (request) => {
    if (!request.url().startsWith(daemon.url) && !request.url().startsWith("data:")) others.push(request.url());
  });
  await opened.goto(new URL(address ?? "", daemon.url).href);
  await opened.getByText(id).first().waitFor();
  expect(others).toEqual([]);
  await opened.close();
});

test("two runs side by side show the keys that differ", { timeout: 240_000 }, async () => {
  const other = await daemon.runBacktest();
  await page.goto(`${daemon.url}/backtests`);
  for (const run of [id, other]) {
    const box = page.locator(`main tbody tr[data-key="${run}"]`).getByRole("checkbox");
    await box.waitFor();
    await box.check();
  }
  await page.getByRole("button", { name: "Compare 2" }).click();
  await page.waitForURL("**/backtests/compare**");
  await page.getByRole("heading", { name: "Figures side by side" }).waitFor();
  await page.getByRole("heading", { name: "Differing keys and parameters" }).waitFor();
  await page.getByRole("main").getByText("symbols", { exact: true }).first().waitFor();
});

test("a run is cancelled and removed", async () => {
  await page.goto(`${daemon.url}/backtests/new?preset=breakout_v1_relaxed`);
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await page.waitForURL(/\/backtests\/B\d+/);
  const run = /B\d+/.exec(page.url())?.[0] ?? "";
  await page.getByRole("button", { name: "Cancel run" }).click();
  const cancel = page.getByRole("dialog", { name: "Cancel run" });
  await cancel.getByRole("button", { name: "Cancel run" }).click();
  await until(30, "a cancelled run", async () => {
    const { status } = await daemon.get<{ status: string }>(`/api/backtests/${run}`);
    return status === "cancelled";
  });
  await page.getByRole("button", { name: "Delete run" }).click();
  const remove = page.getByRole("dialog", { name: "Delete run" });
  await remove.getByRole("button", { name: "Delete run" }).click();
  await page.waitForURL(/\/backtests$/);
  const { items } = await daemon.get<{ items: { run_id: string }[] }>("/api/backtests");
  expect(items.map((one) => one.run_id)).not.toContain(run);
});

test("a file of this computer becomes a data set", async () => {
  const minutes = Array.from({ length: 3000 }, (_, minute) => {
    const price = 60_000 + 100 * Math.sin(minute / 40);
    return `${Date.UTC(2025, 4, 1) + minute * 60_000},${price},${price + 5},${price - 5},${price + 1},12.5,750000`;
  });
  const csv = ["timestamp_ms,open,high,low,close,volume,turnover", ...minutes].join("\n");
  await page.goto(`${daemon.url}/backtests?tab=datasets`);
  await page.getByRole("button", { name: "Import", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Import data" });
  const chooser = page.waitForEvent("filechooser");
  await dialog.getByRole("button", { name: "File of this computer" }).click();
  await (await chooser).setFiles({ name: "BTCUSDT-1m.csv", mimeType: "text/csv", buffer: Buffer.from(`${csv}\n`) });
  expect(await dialog.getByLabel("Name of the new data set").inputValue()).toBe("BTCUSDT-1m");
  await dialog.getByLabel("Name of the new data set").fill("sent");
  await dialog.getByRole("button", { name: "Start import" }).click();
  await dialog.waitFor({ state: "hidden" });
  await until(60, "the data set", async () => {
    const { items } = await daemon.get<{ items: { dataset_id: string }[] }>("/api/datasets");
    return items.some((one) => one.dataset_id === "sent");
  });
  await page.locator('main [data-key="sent"]').waitFor();
});
