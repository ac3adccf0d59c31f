import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  findViolations,
  openAsAdmin,
  openBrowser,
  setTheme,
  settle,
  sidewaysScroll,
  sizes,
  themes,
  visit,
  watchFaults,
} from "./browser";
import { Daemon } from "./daemon";
import { addressOf, findIds, pages } from "./pages";

/* Every page in both themes, on a desk and on a phone: nothing for axe to find, nothing on the console, no sideways scroll, no other host. */

let daemon: Daemon;
let browser: Browser;
let ids: Record<string, string>;

beforeAll(async () => {
  daemon = await Daemon.startWithTrades();
  await daemon.runBacktest();
  await daemon.runBacktest();
  ids = await findIds(daemon);
  browser = await openBrowser();
});
afterAll(async () => {
  await browser.close();
  await daemon.stop();
});

const only = process.env["PAGES"]?.split(",");

for (const [sizeName, size] of Object.entries(sizes))
  describe(sizeName, () => {
    let page: Page;
    let faults: string[];
    beforeAll(async () => {
      page = await openAsAdmin(browser, daemon, { theme: "dark", size });
      faults = watchFaults(page);
    });
    afterAll(async () => page.context().close());

    for (const one of pages.filter(({ name }) => !only || only.includes(name)))
      test(one.name, async () => {
        faults.length = 0;
        await visit(page, addressOf(one, ids));
        await settle(page);
        expect.soft(faults).toEqual([]);
        expect.soft(await sidewaysScroll(page), "pixels of sideways scroll").toBe(0);
        for (const theme of themes) {
          await setTheme(page, theme);
          expect.soft(await findViolations(page), theme).toEqual([]);
        }
      });

    test("no secret where a script can read it", async () => {
      const stored = await page.evaluate(() =>
        JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage), document.cookie]),
      );
      const secrets = (await page.context().cookies()).filter((cookie) => cookie.httpOnly);
      expect(secrets.length).toBeGreaterThan(0);
      for (const { value } of secrets) expect(stored).not.toContain(value);
      expect(stored).not.toMatch(/token|csrf|ticket/i);
    });
  });
