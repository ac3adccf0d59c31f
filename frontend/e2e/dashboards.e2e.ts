import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  findViolations,
  openAsAdmin,
  openBrowser,
  settle,
  setTheme,
  sidewaysScroll,
  sizes,
  themes,
  watchFaults,
} from "./browser";
import { Daemon } from "./daemon";

/* The dashboards of the monitoring page: links to Grafana and one of them inside the page. A small server answers at GRAFANA_URL. */

const PATH = "/monitoring?tab=dashboards";
let grafana: Server;
let address: string;
let daemon: Daemon;
let browser: Browser;
let page: Page;
let faults: string[];

beforeAll(async () => {
  grafana = createServer((request, response) => {
    response.writeHead(200, { "Content-Type": "text/html" });
    response.end(
      `<!doctype html><html lang="en"><title>charts</title><main><h1>charts of ${request.url?.split("?")[0] ?? ""}</h1></main>`,
    );
  });
  await new Promise<void>((done) => grafana.listen(0, "127.0.0.1", done));
  address = `http://127.0.0.1:${(grafana.address() as AddressInfo).port}`;
  daemon = await Daemon.start({ GRAFANA_URL: `${address}/`, AUTOSTART: "none" });
  browser = await openBrowser();
  page = await openAsAdmin(browser, daemon);
  faults = watchFaults(page);
  await page.goto(`${daemon.url}${PATH}`);
  await settle(page);
});
afterAll(async () => {
  await browser.close();
  await daemon.stop();
  grafana.close();
});

test("each dashboard is a link to Grafana", async () => {
  const links = page.locator("main li a");
  expect(await links.evaluateAll((found) => found.map((link) => link.getAttribute("href")))).toEqual(
    ["trading", "risk", "system", "engine", "execution", "node"].map((name) => `${address}/d/breakout-${name}`),
  );
});

test("one is shown inside the page, which the policy of content allows", async () => {
  await page.getByRole("button", { name: "Show here: Risk exposure" }).click();
  await page.frameLocator("iframe").getByRole("heading", { name: "charts of /d/breakout-risk" }).waitFor();
  expect(page.url()).toContain("dashboard=breakout-risk");
  for (const size of Object.values(sizes)) {
    await page.setViewportSize(size);
    for (const theme of themes) {
      await setTheme(page, theme);
      expect(await findViolations(page)).toEqual([]);
    }
    expect(await sidewaysScroll(page)).toBe(0);
  }
  await page.getByRole("button", { name: "Hide Risk exposure" }).click();
  await expect.poll(() => page.locator("iframe").count()).toBe(0);
  expect(faults).toEqual([]);
});
