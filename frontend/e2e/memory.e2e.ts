import type { Browser, CDPSession, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openAsAdmin, openBrowser } from "./browser";
import { Daemon } from "./daemon";

/* A page that is kept open does not grow. SOAK_MINUTES=30 looks for longer. */

const MINUTES = Number(process.env["SOAK_MINUTES"] ?? 0.5);
// Lists that keep the newest hundred or so are full in seconds; what another symbol's chart has loaded is kept for five minutes.
const WARM_UP_MS = MINUTES > 5 ? 420_000 : 20_000;
const SAMPLES = 9;

let daemon: Daemon;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  daemon = await Daemon.start({ DEMO_SPEED: 300 });
  browser = await openBrowser();
  page = await openAsAdmin(browser, daemon);
});
afterAll(async () => {
  await browser.close();
  await daemon.stop();
});

interface Size {
  heapMb: number;
  nodes: number;
  listeners: number;
}

async function measure(devtools: CDPSession): Promise<Size> {
  // Twice: what the first round lets go of is collected by the second.
  await devtools.send("HeapProfiler.collectGarbage");
  await devtools.send("HeapProfiler.collectGarbage");
  const { metrics } = await devtools.send("Performance.getMetrics");
  const of = (name: string): number => metrics.find((one) => one.name === name)?.value ?? Number.NaN;
  return { heapMb: of("JSHeapUsedSize") / 2 ** 20, nodes: of("Nodes"), listeners: of("JSEventListeners") };
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

test(`the dashboard over ${MINUTES} minutes of feed`, { timeout: (MINUTES + 12) * 60_000 }, async () => {
  let frames = 0;
  page.on("websocket", (socket) => socket.on("framereceived", () => frames++));
  await page.reload();
  await page.getByRole("status", { name: /^Connected/ }).waitFor();
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Performance.enable");
  await page.waitForTimeout(WARM_UP_MS);
  const seen: Size[] = [];
  for (let sample = 0; sample < SAMPLES; sample++) {
    seen.push(await measure(devtools));
    await page.waitForTimeout((MINUTES * 60_000) / SAMPLES);
  }
  const third = SAMPLES / 3;
  const grown = (key: keyof Size): number =>
    median(seen.slice(-third).map((size) => size[key])) / median(seen.slice(0, third).map((size) => size[key]));
  console.log(`${frames} frames; heap ${seen.map((size) => size.heapMb.toFixed(1)).join(" ")} MiB`);
  expect(frames).toBeGreaterThan(100);
  expect(grown("heapMb"), "heap").toBeLessThan(1.15);
  expect(grown("nodes"), "nodes").toBeLessThan(1.25);
  expect(grown("listeners"), "listeners").toBeLessThan(1.25);
});
