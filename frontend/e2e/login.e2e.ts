import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { desktop, openBrowser, openContext, password, setUp, user } from "./browser";
import { Daemon } from "./daemon";

/* First start and login. The tests are one story: each goes on from where the one before stopped. */

let daemon: Daemon;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  // No session is needed for this.
  daemon = await Daemon.start({ AUTOSTART: "none" });
  browser = await openBrowser();
  page = await (await openContext(browser, { theme: "dark", size: desktop })).newPage();
});
afterAll(async () => {
  await browser.close();
  await daemon.stop();
});

async function logIn(name: string, word: string): Promise<void> {
  await page.getByLabel("Name").fill(name);
  await page.getByRole("textbox", { name: "Password" }).fill(word);
  await page.getByRole("button", { name: "Log in" }).click();
}

test("who is not logged in is sent to the login", async () => {
  await page.goto(`${daemon.url}/trading/positions`);
  await page.waitForURL("**/login?**");
  await page.getByRole("heading", { name: "Log in" }).waitFor();
});

test("a setup link without a code says where to get one", async () => {
  await page.goto(`${daemon.url}/setup`);
  await page.getByText("breakout token setup").waitFor();
});

test("a wrong setup code opens nothing", async () => {
  await page.goto(`${daemon.url}/#/setup?code=wrong-code`);
  await page.locator("input[autocomplete=new-password]").first().fill(password);
  await page.locator("input[autocomplete=new-password]").last().fill(password);
  await page.getByRole("button", { name: "Create admin" }).click();
  await page.getByRole("alert").waitFor();
  expect(page.url()).toContain("/setup");
  expect((await page.context().cookies()).filter((cookie) => cookie.httpOnly)).toEqual([]);
});

test("the link of the first start leads to the dashboard, once", async () => {
  const link = await daemon.setupLink();
  await page.goto("about:blank");
  await setUp(page, link);
  await page.getByRole("heading", { level: 1, name: "Dashboard" }).waitFor();
  // The code is out of the address, so neither history nor bookmark keeps it.
  expect(page.url()).not.toContain("code");

  const other = await (await openContext(browser, { theme: "dark", size: desktop })).newPage();
  await other.goto(link);
  await other.locator("input[autocomplete=new-password]").first().fill(password);
  await other.locator("input[autocomplete=new-password]").last().fill(password);
  await other.getByRole("button", { name: "Create admin" }).click();
  await other.getByText("This link was used or has ended").waitFor();
  await other.context().close();
});

test("log out, wrong password, log in and back to the page that was asked for", async () => {
  await page.getByRole("button", { name: "User menu" }).click();
  await page.getByRole("menuitem", { name: "Log out" }).click();
  await page.waitForURL("**/login");
  await page.goto(`${daemon.url}/scanner`);
  await page.waitForURL("**/login?**");
  await logIn(user, "not the password");
  await page.getByText("Name or password is wrong.").waitFor();
  await logIn(user, password);
  await page.waitForURL("**/scanner");
  await page.getByRole("heading", { level: 1, name: "Scanner" }).waitFor();
});

test("when the login ends the page stays and asks again", async () => {
  // Five tries a minute: the tests before have used them up. A server that starts anew has forgotten them.
  await daemon.changeSettings({});
  await page.goto(`${daemon.url}/settings`);
  await page.getByRole("heading", { level: 1, name: "Settings" }).waitFor();
  await page.evaluate(() => {
    (globalThis as { mark?: string }).mark = "the same page";
  });
  await page.context().clearCookies();
  await page.keyboard.press("g");
  await page.keyboard.press("l");
  const dialog = page.getByRole("dialog", { name: "Log in again" });
  await dialog.waitFor();
  await dialog.getByRole("textbox", { name: "Password" }).fill(password);
  await dialog.getByRole("button", { name: "Log in" }).click();
  await dialog.waitFor({ state: "hidden" });
  expect(await page.evaluate(() => (globalThis as { mark?: string }).mark)).toBe("the same page");
  await page.getByRole("heading", { level: 1, name: "Logs" }).waitFor();
  // What failed while nobody was logged in is asked for again.
  await page.waitForFunction(() => document.querySelector("main [role=alert]") === null);
  await page.getByRole("status", { name: /^Connected/ }).waitFor();
});
