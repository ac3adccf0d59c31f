import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openAsAdmin, openBrowser, settle, sizes, themes, visit } from "./browser";
import { Daemon } from "./daemon";
import { addressOf, findIds, pages } from "./pages";

/* Every page, dark and light, desktop and phone, of a demo that has traded for a while: to be looked at. PAGES=engine,logs takes only these. */

const folder = resolve(import.meta.dirname, "../screenshots");
const only = process.env["PAGES"]?.split(",");
let daemon: Daemon;
let browser: Browser;
let ids: Record<string, string>;

beforeAll(async () => {
  await mkdir(folder, { recursive: true });
  daemon = await Daemon.startWithTrades({ DEMO_SPEED: 1 });
  ids = await findIds(daemon);
  browser = await openBrowser();
});
afterAll(async () => {
  await browser.close();
  await daemon.stop();
});

for (const theme of themes)
  for (const [sizeName, size] of Object.entries(sizes))
    test(`${theme} ${sizeName}`, { timeout: 600_000 }, async () => {
      const page = await openAsAdmin(browser, daemon, { theme, size });
      for (const one of pages.filter(({ name }) => !only || only.includes(name))) {
        await visit(page, addressOf(one, ids));
        await settle(page);
        await page.waitForTimeout(1500);
        const picture = await page.screenshot({
          path: join(folder, `${one.name}-${theme}-${sizeName}.png`),
          fullPage: sizeName === "phone",
        });
        expect(picture.length).toBeGreaterThan(5_000);
      }
      await page.context().close();
    });
