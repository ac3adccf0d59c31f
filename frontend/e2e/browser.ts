import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type axe from "axe-core";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import type { Daemon } from "./daemon";

export const desktop = { width: 1440, height: 900 } as const;
export const phone = { width: 360, height: 780 } as const;
export const themes = ["dark", "light"] as const;
export const sizes = { desktop, phone } as const;

const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
export const user = "admin";
export const password = "correct horse battery";

/** A headless Chromium of this machine. */
export async function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}

export interface Look {
  theme: (typeof themes)[number];
  size: { width: number; height: number };
}

type LoginState = Awaited<ReturnType<BrowserContext["storageState"]>>;

/** A context of its own; `state` brings the login of another one. */
export async function openContext(browser: Browser, look: Look, state?: LoginState): Promise<BrowserContext> {
  const context = await browser.newContext({
    viewport: look.size,
    colorScheme: look.theme,
    reducedMotion: "reduce",
    hasTouch: look.size.width < 600,
    ...(state ? { storageState: state } : {}),
  });
  context.setDefaultTimeout(20_000);
  return context;
}

/** Follows a setup link to the dashboard, as on the first start. */
export async function setUp(page: Page, link: string): Promise<void> {
  await page.goto(link);
  await page.locator("input[autocomplete=username]").fill(user);
  await page.locator("input[autocomplete=new-password]").first().fill(password);
  await page.locator("input[autocomplete=new-password]").last().fill(password);
  await page.getByRole("button", { name: "Create admin" }).click();
  await page.waitForURL("**/dashboard");
}

/** A page of a new context on the dashboard, logged in by a fresh setup link. */
export async function openAsAdmin(
  browser: Browser,
  daemon: Daemon,
  look: Look = { theme: "dark", size: desktop },
): Promise<Page> {
  const page = await (await openContext(browser, look)).newPage();
  await setUp(page, await daemon.setupLink());
  return page;
}

/** What a page must never do: an error on its console (content policy included), an exception, a request to another host. */
export function watchFaults(page: Page): string[] {
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(`threw ${String(error)}`));
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(`${message.text()} ${message.location().url}`);
  });
  page.on("request", (request) => {
    const { protocol, hostname } = new URL(request.url());
    if (!["data:", "blob:"].includes(protocol) && hostname !== "127.0.0.1") faults.push(`asked ${request.url()}`);
  });
  return faults;
}

const axeSource = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const STANDARD: axe.RunOnly = {
  type: "tag",
  values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
};
/** All that the colours of a theme can break. */
const COLOURS: axe.RunOnly = { type: "rule", values: ["color-contrast", "link-in-text-block"] };

/** What axe finds against WCAG 2.2 AA and its best practices, one line for each kind of violation. `scope` "colours": only what another theme may change.
 * Of the rows of a long list the first dozen is looked at: the others are made of the same parts. */
export async function findViolations(page: Page, scope: "all" | "colours" = "all"): Promise<string[]> {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(axeSource);
  const violations = await page.evaluate(
    async (runOnly) => {
      const found = await (globalThis as unknown as { axe: typeof axe }).axe.run(
        { exclude: [["tbody tr:nth-child(n + 13)"], ["ul > li:nth-child(n + 13)"]] },
        { runOnly, resultTypes: ["violations"] },
      );
      return found.violations.map(({ id, nodes }) => ({
        id,
        nodes: nodes.map(({ target, any, html }) => ({ target: target.join(" "), why: any[0]?.message ?? html.slice(0, 120) })),
      }));
    },
    scope === "all" ? STANDARD : COLOURS,
  );
  return violations.map(({ id, nodes }) => {
    const where = nodes.slice(0, 3).map(({ target, why }) => `${target} (${why})`);
    return `${id} ${nodes.length}x: ${where.join("; ")}`;
  });
}

/** By how many pixels the page is wider than its window. */
export async function sidewaysScroll(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

/** Switches the theme as the system would, and waits until every colour has arrived. */
export async function setTheme(page: Page, theme: Look["theme"]): Promise<void> {
  await page.emulateMedia({ colorScheme: theme });
  await page.waitForFunction((wanted) => document.documentElement.dataset["mantineColorScheme"] === wanted, theme);
  await page.evaluate(async () => {
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    await Promise.allSettled(document.getAnimations().map((animation) => animation.finished));
  });
}

/** Goes to a page inside the application, as a link does: connects within a minute are limited, so not each page is loaded anew. */
export async function visit(page: Page, address: string): Promise<void> {
  const to = new URL(address, page.url());
  const isInside = to.pathname !== new URL(page.url()).pathname && (await page.getByRole("navigation").count()) > 0;
  if (!isInside) {
    await page.goto(to.href);
    return;
  }
  await page.evaluate((path) => {
    document.querySelector("h1")?.setAttribute("data-left", "");
    history.pushState(null, "", path);
  }, to.pathname + to.search);
  await page.waitForFunction(() => document.querySelector("h1") !== null && document.querySelector("h1[data-left]") === null);
}

/** Waits until the page shows its heading and no part of it is loading. */
export async function settle(page: Page): Promise<void> {
  await page.getByRole("heading", { level: 1 }).first().waitFor();
  await page.waitForFunction(() =>
    [...document.querySelectorAll("[role=status]")].every((part) => !part.textContent.startsWith("Loading")),
  );
}
