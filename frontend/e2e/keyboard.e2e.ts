import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { openAsAdmin, openBrowser, password, user } from "./browser";
import { Daemon, until } from "./daemon";

/* No mouse at all: every page and every command by keys. */

let daemon: Daemon;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  daemon = await Daemon.startWithTrades();
  browser = await openBrowser();
  page = await openAsAdmin(browser, daemon);
  await page.getByRole("heading", { level: 1, name: "Dashboard" }).waitFor();
});
afterAll(async () => {
  await browser.close();
  await daemon.stop();
});

// A test that failed with a dialog open does not take the next ones with it.
afterEach(async () => {
  await page.keyboard.press("Escape");
});

const press = async (...keys: string[]): Promise<void> => {
  for (const key of keys) await page.keyboard.press(key);
};
const isFocusIn = (part: Locator): Promise<boolean> => part.evaluate((element) => element.contains(document.activeElement));
const nameOfFocus = (): Promise<string> =>
  page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent ?? "");

interface Status {
  session_state: string;
  latch: unknown;
}
const status = (): Promise<Status> => daemon.get<Status>("/api/engine/status");

/** Gives a command by the palette: opens it, types its name, Enter. */
async function command(name: string): Promise<void> {
  await press("Control+k");
  await page.getByRole("combobox", { name: "Command palette" }).waitFor();
  await page.keyboard.type(name);
  // Allowed as soon as the feed has told the new state.
  const chosen = page.getByRole("listbox", { name: "Command palette" }).locator("[aria-selected=true]");
  await expect.poll(() => chosen.getAttribute("aria-disabled")).toBe("false");
  await press("Enter");
}

/** Goes to a page by its two keys and waits for its heading. */
async function goTo(key: string, heading: string): Promise<void> {
  await press("g", key);
  await page.getByRole("heading", { level: 1, name: heading, exact: true }).waitFor();
}

/** Presses Tab until the focus is on what is called so. */
async function tabTo(name: string): Promise<void> {
  for (let steps = 0; steps < 40; steps++) {
    if ((await nameOfFocus()) === name) return;
    await press("Tab");
  }
  throw new Error(`no Tab leads to ${name}; the focus is on ${await nameOfFocus()}`);
}

test("g and a letter lead to every page", async () => {
  for (const [key, path] of Object.entries({
    d: "/dashboard",
    c: "/chart",
    p: "/trading/positions",
    o: "/trading/orders",
    t: "/trading/trades",
    s: "/scanner",
    y: "/decisions",
    f: "/performance",
    b: "/backtests",
    e: "/engine",
    r: "/presets",
    m: "/monitoring",
    a: "/alerts",
    l: "/logs",
    ",": "/settings",
  })) {
    await press("g", key);
    await page.waitForURL((url) => url.pathname.startsWith(path));
    await page.getByRole("heading", { level: 1 }).first().waitFor();
  }
});

test("? lists the keys, Esc closes, t switches the theme", async () => {
  await press("?");
  const help = page.getByRole("dialog", { name: "Keyboard" });
  await help.waitFor();
  await press("Escape");
  await help.waitFor({ state: "hidden" });
  const theme = (): Promise<string | undefined> => page.evaluate(() => document.documentElement.dataset["mantineColorScheme"]);
  expect(await theme()).toBe("dark");
  await press("t");
  await expect.poll(theme).toBe("light");
  await press("t");
  await expect.poll(theme).toBe("dark");
});

test("the palette finds pages, symbols, presets and commands", async () => {
  await command("Go to Orders");
  await page.waitForURL("**/trading/orders**");
  await command("LAYER");
  await page.waitForURL(/\/chart\/LAYER/);
  await command("breakout_v1_relaxed");
  await page.waitForURL("**/presets/breakout_v1_relaxed**");
});

test("j, k and Enter walk and open rows; / searches", async () => {
  await goTo("t", "Trades");
  const rows = page.locator("main tbody tr[data-key]");
  await rows.first().waitFor();
  await press("j");
  const first = await rows.first().getAttribute("data-key");
  await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute("data-key"))).toBe(first);
  await press("Enter");
  await page.waitForURL(`**/trading/trades/${first ?? ""}**`);
  await goTo("s", "Scanner");
  await rows.first().waitFor();
  await press("/");
  await expect.poll(() => page.evaluate(() => document.activeElement?.tagName)).toBe("INPUT");
  await page.keyboard.type("no such symbol");
  await page.getByText("No row matches the filter.").waitFor();
});

test("dialogs keep the focus inside and give it back", async () => {
  await page.goto(`${daemon.url}/engine`);
  await page.getByRole("heading", { level: 1, name: "Engine" }).waitFor();
  await tabTo("Emergency");
  await press("Enter");
  const sheet = page.getByRole("dialog", { name: "Emergency" });
  await sheet.waitFor();
  for (let steps = 0; steps < 20; steps++) {
    await press("Tab");
    expect(await isFocusIn(sheet)).toBe(true);
  }
  await press("Escape");
  await sheet.waitFor({ state: "hidden" });
  await expect.poll(nameOfFocus).toBe("Emergency");
});

test("b moves the stop, x asks before it closes", async () => {
  await goTo("p", "Positions");
  await page.locator("main tbody tr[data-key]").first().waitFor();
  await press("j", "x");
  const dialog = page.getByRole("dialog", { name: /^Close 100/ });
  await dialog.waitFor();
  await expect.poll(() => isFocusIn(dialog)).toBe(true);
  await press("Escape");
  await dialog.waitFor({ state: "hidden" });
  await press("b");
  // Done, or refused with the reason: either way the server has answered.
  await page
    .getByText(/: stop at |Stop to breakeven/)
    .last()
    .waitFor();
  await press("x");
  await dialog.waitFor();
  await press("Enter");
  await dialog.waitFor({ state: "hidden" });
  // At this speed the fill is minutes away: the exit is on its way.
  await until(30, "an exit", async () => {
    const { items } = await daemon.get<{ items: { state: string }[] }>("/api/trading/positions");
    return items.length === 0 || items.some((one) => one.state === "exiting");
  });
});

test("Shift P pauses, the palette resumes, scans, reloads and stops", async () => {
  await page.goto(`${daemon.url}/dashboard`);
  await page.getByRole("status", { name: /^Connected/ }).waitFor();
  await press("Shift+P");
  const isAsked = (await daemon.get<{ items: unknown[] }>("/api/trading/positions")).items.length > 0;
  if (isAsked) {
    await page.getByRole("dialog", { name: "Pause" }).waitFor();
    await press("Enter");
  }
  await until(15, "paused", async () => (await status()).session_state === "paused");
  await page.getByRole("banner").getByText("Paused").waitFor();
  await command("Resume");
  await until(15, "resumed", async () => (await status()).session_state !== "paused");
  await command("Scan now");
  await command("Reload preset");
  const reload = page.getByRole("dialog", { name: "Reload preset" });
  await reload.getByText("nothing would change").waitFor();
  await press("Enter");
  await reload.waitFor({ state: "hidden" });
  await command("Stop, keep positions");
  await page.getByRole("dialog", { name: "Stop, keep positions" }).waitFor();
  await press("Enter");
  await until(30, "stopped", async () => ["idle", "stopped"].includes((await status()).session_state));
  await command("Start on paper");
  await until(30, "started", async () => !["idle", "stopped"].includes((await status()).session_state));
});

test("Shift E, two presses of Enter stop in an emergency; RESET typed releases", async () => {
  await press("Shift+E");
  await page.getByRole("dialog", { name: "Emergency" }).waitFor();
  await tabTo("Emergency stop");
  await press("Enter");
  const dialog = page.getByRole("dialog", { name: "Emergency stop" });
  await dialog.waitFor();
  await press("Enter");
  expect((await status()).latch).toBeNull();
  await press("Enter");
  await until(15, "the latch", async () => (await status()).latch);
  await dialog.waitFor({ state: "hidden" });
  await command("Reset");
  const reset = page.getByRole("dialog", { name: "Reset" });
  await reset.waitFor();
  await page.keyboard.type("RESET");
  await press("Shift+Tab");
  for (
    let steps = 0;
    steps < 5 && !(await reset.getByRole("textbox", { name: "Reason" }).evaluate((e) => e === document.activeElement));
    steps++
  )
    await press("Shift+Tab");
  await page.keyboard.type("by keys alone");
  await tabTo("Reset");
  await press("Enter");
  await reset.waitFor({ state: "hidden" });
  await until(15, "no latch", async () => (await status()).latch === null);
});

test("panic exit and kill switch ask, and Esc calls them off", async () => {
  await command("Start on paper");
  await until(30, "started", async () => !["idle", "stopped"].includes((await status()).session_state));
  for (const name of ["Panic exit", "Kill switch"]) {
    await command(name);
    const dialog = page.getByRole("dialog", { name });
    await dialog.waitFor();
    await expect.poll(() => isFocusIn(dialog)).toBe(true);
    await press("Escape");
    await dialog.waitFor({ state: "hidden" });
  }
  expect((await status()).latch).toBeNull();
});

test("single-letter keys are off where one types, and can be switched off", async () => {
  const isHere = (): boolean => new URL(page.url()).pathname === "/scanner";
  await goTo("s", "Scanner");
  await press("/");
  await page.keyboard.type("gd");
  expect(isHere()).toBe(true);
  await page.evaluate(() => localStorage.setItem("breakout.preferences", JSON.stringify({ areLetterKeysOn: false })));
  await page.reload();
  await page.getByRole("heading", { level: 1, name: "Scanner" }).waitFor();
  await press("g", "d");
  await page.waitForTimeout(500);
  expect(isHere()).toBe(true);
  await page.evaluate(() => localStorage.removeItem("breakout.preferences"));
  await page.reload();
});

test("log out and in again by keys", async () => {
  await page.getByRole("heading", { level: 1 }).waitFor();
  await tabTo("User menu");
  await press("Enter");
  await page.getByRole("menuitem", { name: "Log out" }).waitFor();
  await press("ArrowUp");
  await tabToMenu("Log out");
  await press("Enter");
  await page.waitForURL("**/login");
  await page.getByLabel("Name").focus();
  await page.keyboard.type(user);
  await press("Tab");
  await page.keyboard.type(password);
  await press("Enter");
  await page.waitForURL("**/dashboard");
});

async function tabToMenu(name: string): Promise<void> {
  for (let steps = 0; steps < 6; steps++) {
    if ((await nameOfFocus()) === name) return;
    await press("ArrowDown");
  }
  throw new Error(`the menu has no ${name}`);
}
