import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openAsAdmin, openBrowser, settle } from "./browser";
import { Daemon, until } from "./daemon";

/* The preset that the session trades: a wrong value, a right one, saved, taken over. */

const NAME = "breakout_v1";
let daemon: Daemon;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  daemon = await Daemon.start({ DEMO_SPEED: 20 });
  browser = await openBrowser();
  page = await openAsAdmin(browser, daemon);
  await page.goto(`${daemon.url}/presets`);
  await settle(page);
});
afterAll(async () => {
  await browser.close();
  await daemon.stop();
});

interface Stored {
  config: { risk: Record<string, unknown> };
  hash: string;
}
const stored = async (): Promise<Record<string, unknown>> => (await daemon.get<Stored>(`/api/presets/${NAME}`)).config.risk;
const sessionHash = async (): Promise<string> => (await daemon.get<{ preset_hash: string }>("/api/engine/status")).preset_hash;
const field = () => page.locator('[data-path="risk.max_concurrent_positions"]');
const input = () => field().getByRole("textbox");

test("the list says which preset is in use and leads to it", async () => {
  const row = page.locator(`main tbody tr[data-key="${NAME}"]`);
  await row.getByText("in use").waitFor();
  await row.focus();
  await page.keyboard.press("Enter");
  await page.waitForURL(`**/presets/${NAME}**`);
  await input().waitFor();
});

test("a wrong value is told at its field while typing, and cannot be saved", async () => {
  await input().fill("-3");
  await field()
    .getByText(/allowed:/)
    .waitFor();
  const save = page.getByRole("button", { name: "Save", exact: true });
  expect(await save.getAttribute("aria-disabled")).toBe("true");
  // A word is no number.
  await input().fill("many");
  await expect.poll(() => input().getAttribute("aria-invalid")).toBe("true");
});

test("a right value is saved; the address keeps the section", async () => {
  const before = await stored();
  expect(before["max_concurrent_positions"]).not.toBe(2);
  await input().fill("2");
  await field()
    .getByText(/^saved: /)
    .waitFor();
  const save = page.getByRole("button", { name: "Save", exact: true });
  await expect.poll(() => save.getAttribute("aria-disabled")).toBeNull();
  await save.click();
  await until(10, "the saved value", async () => (await stored())["max_concurrent_positions"] === 2);
  await page.reload();
  await expect.poll(() => input().inputValue()).toBe("2");
});

test("applying shows the keys that change before the session takes them", async () => {
  const before = await sessionHash();
  await input().fill("1");
  const apply = page.getByRole("button", { name: "Apply to the session" });
  await expect.poll(() => apply.getAttribute("aria-disabled")).toBeNull();
  await apply.click();
  const dialog = page.getByRole("dialog", { name: "Apply to the session" });
  await dialog.getByText("risk.max_concurrent_positions: 2 → 1").waitFor();
  await dialog.getByRole("button", { name: "Apply to the session" }).click();
  await dialog.waitFor({ state: "hidden" });
  await until(15, "the session with the new preset", async () => (await sessionHash()) !== before);
  expect((await stored())["max_concurrent_positions"]).toBe(1);
});

test("a former version comes back from the history", async () => {
  await page.getByRole("tab", { name: "History" }).click();
  await page.getByRole("button", { name: "Restore", exact: true }).first().click();
  const dialog = page.getByRole("dialog", { name: "Restore" });
  await dialog.getByRole("button", { name: "Restore", exact: true }).click();
  await dialog.waitFor({ state: "hidden" });
  await until(10, "the former value", async () => (await stored())["max_concurrent_positions"] === 2);
});

test("of two editors the second is told, and nothing is overwritten", async () => {
  await page.getByRole("tab", { name: "Form" }).click();
  await input().waitFor();
  const other = await page.context().newPage();
  await other.goto(page.url());
  const theirs = other.locator('[data-path="risk.max_concurrent_positions"]').getByRole("textbox");
  await theirs.fill("4");
  const save = (from: Page) => from.getByRole("button", { name: "Save", exact: true });
  await input().fill("5");
  await expect.poll(() => save(other).getAttribute("aria-disabled")).toBeNull();
  await save(other).click();
  await until(10, "their value", async () => (await stored())["max_concurrent_positions"] === 4);
  await expect.poll(() => save(page).getAttribute("aria-disabled")).toBeNull();
  await save(page).click();
  await page.getByText("Somebody saved another version meanwhile").waitFor();
  expect((await stored())["max_concurrent_positions"]).toBe(4);
  expect(await input().inputValue()).toBe("5");
  await other.close();
});
