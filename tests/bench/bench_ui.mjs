// Figures of the interface, one line each. Arguments: folder of the frontend, address of a running server without logins.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const [frontend, address] = process.argv.slice(2);
const { chromium } = createRequire(join(frontend, "package.json"))("playwright-core");
const minutes = Number(process.env.BENCH_UI_MINUTES ?? 2);
const paints = 5;
const frameSeconds = 20;

const tell = (name, text) => console.log(`${name.padEnd(44)} ${text}`);
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** A page on the dashboard in a context without a cache. */
async function openDashboard(browser, throttle) {
  const page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
  const devtools = await page.context().newCDPSession(page);
  const seen = { scripts: new Set(), violations: [], frames: 0 };
  page.on("response", (reply) => {
    const { pathname } = new URL(reply.url());
    if (pathname.endsWith(".js")) seen.scripts.add(pathname);
  });
  page.on("console", (line) => {
    if (/Content Security Policy/.test(line.text())) seen.violations.push(line.text());
  });
  page.on("websocket", (socket) => socket.on("framereceived", () => seen.frames++));
  await devtools.send("Performance.enable");
  if (throttle > 1) await devtools.send("Emulation.setCPUThrottlingRate", { rate: throttle });
  await page.goto(`${address}/dashboard`);
  await page.waitForFunction(() => performance.getEntriesByName("first-contentful-paint").length > 0, undefined, { timeout: 60_000 });
  return { page, devtools, seen };
}

/** What the page needs before it shows anything: the entry and the dashboard with their static imports. */
function staticScripts() {
  const manifest = JSON.parse(readFileSync(join(frontend, "dist", ".vite", "manifest.json"), "utf8"));
  const seen = new Set();
  const add = (key) => {
    if (seen.has(key)) return;
    seen.add(key);
    for (const next of manifest[key].imports ?? []) add(next);
  };
  ["index.html", "src/app/routes/dashboard.tsx"].forEach(add);
  return [...seen].map((key) => `/${manifest[key].file}`).filter((file) => file.endsWith(".js"));
}

const kilobytes = (scripts) =>
  (scripts.reduce((sum, path) => sum + gzipSync(readFileSync(join(frontend, "dist", path))).length, 0) / 1000).toFixed(0);

async function firstLoad(browser) {
  const { page, seen } = await openDashboard(browser, 1);
  await page.waitForTimeout(5000);
  tell("dashboard, first load, JavaScript by gzip", `${kilobytes(staticScripts())} kB (target 300), with its charts ${kilobytes([...seen.scripts])} kB`);
  await page.goto(`${address}/chart`);
  await page.locator("canvas").first().waitFor({ timeout: 60_000 });
  await page.waitForTimeout(2000);
  tell("content policy, dashboard and chart", `${seen.violations.length} violations`);
  for (const text of seen.violations) console.log(`  ${text}`);
  await page.context().close();
}

async function firstPaint(browser) {
  const times = [];
  const headings = [];
  for (let i = 0; i < paints; i++) {
    const { page } = await openDashboard(browser, 4);
    times.push(await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime));
    await page.locator("main h1").waitFor({ timeout: 60_000 });
    headings.push(await page.evaluate(() => performance.now()));
    await page.context().close();
  }
  const figures = (list) => `median ${median(list).toFixed(0)} ms, best ${Math.min(...list).toFixed(0)} ms`;
  tell("first contentful paint, CPU 4 x slower", `${figures(times)} (target 1000)`);
  tell("heading of the dashboard, CPU 4 x slower", figures(headings));
}

/** Frames of the page, and of an empty one beside it, which shows what the machine drops. */
async function frames(page) {
  return page.evaluate(
    (ms) =>
      new Promise((done) => {
        const gaps = [];
        let last = performance.now();
        const end = last + ms;
        const step = (now) => {
          gaps.push(now - last);
          last = now;
          if (now < end) requestAnimationFrame(step);
          else done({ late: gaps.filter((gap) => gap > 25).length, count: gaps.length });
        };
        requestAnimationFrame(step);
      }),
    frameSeconds * 1000,
  );
}

async function dropped(browser, dashboard) {
  const empty = await (await browser.newContext()).newPage();
  const idle = await frames(empty);
  await empty.context().close();
  const before = dashboard.seen.frames;
  const busy = await frames(dashboard.page);
  const rate = (dashboard.seen.frames - before) / frameSeconds;
  tell(`frames at ${rate.toFixed(0)} messages a second`, `${busy.late} of ${busy.count} late; an empty page ${idle.late} of ${idle.count}`);
}

async function heap({ page, devtools }) {
  const samples = [];
  for (let i = 0; i < 6; i++) {
    await devtools.send("HeapProfiler.collectGarbage");
    await devtools.send("HeapProfiler.collectGarbage");
    const { metrics } = await devtools.send("Performance.getMetrics");
    samples.push(metrics.find((one) => one.name === "JSHeapUsedSize").value / 2 ** 20);
    await page.waitForTimeout((minutes * 60_000) / 6);
  }
  tell(`heap over ${minutes} minutes of feed`, `${samples.map((value) => value.toFixed(1)).join(" ")} MiB`);
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
try {
  await firstLoad(browser);
  await firstPaint(browser);
  const dashboard = await openDashboard(browser, 1);
  await dashboard.page.waitForTimeout(30_000); // lists that keep the newest are full by then
  await dropped(browser, dashboard);
  await heap(dashboard);
} finally {
  await browser.close();
}
