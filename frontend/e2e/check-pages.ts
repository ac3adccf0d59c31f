import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
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

const only = process.env["PAGES"]?.split(",");

/** Every page in both themes: nothing for axe to find, nothing on the console, no sideways scroll, no other host. PAGES=engine,logs takes only these. */
export function checkPages(size: keyof typeof sizes): void {
  let daemon: Daemon;
  let browser: Browser;
  let ids: Record<string, string>;
  let page: Page;
  let faults: string[];

  beforeAll(async () => {
    daemon = await Daemon.startWithTrades();
    ids = await findIds(daemon);
    browser = await openBrowser();
    page = await openAsAdmin(browser, daemon, { theme: themes[0], size: sizes[size] });
    faults = watchFaults(page);
  });
  afterAll(async () => {
    await browser.close();
    await daemon.stop();
  });

  for (const one of pages.filter(({ name }) => !only || only.includes(name)))
    test(one.name, async () => {
      faults.length = 0;
      await setTheme(page, themes[0]);
      await visit(page, addressOf(one, ids));
      await settle(page);
      expect.soft(faults).toEqual([]);
      expect.soft(await sidewaysScroll(page), "pixels of sideways scroll").toBe(0);
      expect.soft(await findViolations(page), themes[0]).toEqual([]);
      await setTheme(page, themes[1]);
      expect.soft(await findViolations(page, "colours"), themes[1]).toEqual([]);
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
}
