// Opens every page of a running daemon in headless Chromium, dark and light, 1440 and 360 px wide: a picture of each, axe on each, and what the browser complained
// about. Ends with 1 when there was a violation, a complaint or a page that scrolls sideways.
//
//   BREAKOUT_URL=http://127.0.0.1:8000 [CHROMIUM=/usr/bin/chromium] node e2e/screenshots.mjs [path …]
import { mkdirSync } from "node:fs";
import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";

const base = process.env.BREAKOUT_URL ?? "http://127.0.0.1:8000";
const folder = new URL("../screenshots/", import.meta.url).pathname;
const all = [
  "/dashboard",
  "/chart",
  "/trading/positions",
  "/trading/orders",
  "/trading/trades",
  "/scanner",
  "/decisions",
  "/performance",
  "/backtests",
  "/backtests/new",
  "/engine",
  "/presets",
  "/presets/breakout_v1",
  "/monitoring",
  "/alerts",
  "/logs",
  "/settings",
  "/settings?tab=access",
  "/settings?tab=server",
  "/audit",
  "/login",
  "/setup",
  "/nowhere",
];
const paths = process.argv.length > 2 ? process.argv.slice(2) : all;
const SETTLE_MS = 2500;

mkdirSync(folder, { recursive: true });
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
let faults = 0;
const tell = (where, what) => {
  faults++;
  console.log(`${where}: ${what}`);
};

for (const theme of ["dark", "light"])
  for (const width of [1440, 360]) {
    const context = await browser.newContext({
      viewport: { width, height: width > 500 ? 900 : 780 },
      colorScheme: theme,
      reducedMotion: "reduce",
    });
    const page = await context.newPage();
    let where = "";
    page.on("console", (message) => {
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) tell(where, message.text());
    });
    // The browser's own line about a failed request does not say which.
    page.on("response", (response) => {
      if (response.status() >= 500) tell(where, `${response.status()} ${response.url()}`);
    });
    page.on("pageerror", (error) => tell(where, `threw ${error.message}`));
    for (const path of paths) {
      where = `${path} ${theme} ${width}`;
      await page.goto(base + path);
      await page.waitForTimeout(SETTLE_MS);
      const name = path.replace(/[^a-z0-9]+/gi, "-").replace(/^-/, "");
      await page.screenshot({ path: `${folder}${name}-${theme}-${width}.png` });
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (over > 0) tell(where, `scrolls sideways by ${over} px`);
      const { violations } = await new AxeBuilder({ page })
        .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
        .analyze();
      for (const { id, help, nodes } of violations)
        tell(
          where,
          `${id}: ${help}\n    ${nodes
            .slice(0, 3)
            .map((node) => `${node.target.join(" ")} ${node.any[0]?.message ?? ""}`)
            .join("\n    ")}`,
        );
    }
    await context.close();
  }
await browser.close();
console.log(faults === 0 ? "no fault" : `${faults} faults`);
process.exit(faults === 0 ? 0 : 1);
