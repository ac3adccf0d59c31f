import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { desktop, openBrowser, openContext, phone, setUp, watchErrors } from "./browser";
import { Daemon, until } from "./daemon";
import { pages } from "./pages";

/* Every page, dark and light, desktop and phone, of a demo that has traded for a while: to be looked at. */

const folder = resolve(import.meta.dirname, "../screenshots");
let daemon: Daemon;
let browser: Browser;

beforeAll(async () => {
  await mkdir(folder, { recursive: true });
  daemon = await Daemon.start();
  browser = await openBrowser();
  await until(
    120,
    "a closed trade",
    async () => (await daemon.get<{ items: unknown[] }>("/api/trading/trades")).items.length > 0,
  );
}, 180_000);
afterAll(async () => {
  await browser.close();
  await daemon.stop();
});

test("pages are drawn", { timeout: 600_000 }, async () => {
  const first = await openContext(browser, { theme: "dark", size: desktop });
  await setUp(await first.newPage(), await daemon.setupLink());
  const state = await first.storageState();
  await first.close();
  const only = process.env["PAGES"]?.split(",");
  const wanted = pages.filter(({ name }) => !only || only.includes(name));
  for (const theme of ["dark", "light"] as const)
    for (const [size, viewport] of [
      ["desktop", desktop],
      ["phone", phone],
    ] as const) {
      const context = await openContext(browser, { theme, size: viewport }, state);
      const page = await context.newPage();
      const errors = watchErrors(page);
      for (const { name, path } of wanted) {
        await page.goto(`${daemon.url}${path}`);
        await page.getByRole("heading", { level: 1 }).waitFor();
        await page.waitForTimeout(1500);
        await page.screenshot({ path: join(folder, `${name}-${theme}-${size}.png`), fullPage: size === "phone" });
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        expect(width, `${name} scrolls sideways`).toBeLessThanOrEqual(viewport.width);
      }
      expect(errors).toEqual([]);
      await context.close();
    }
});
