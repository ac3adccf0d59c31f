import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

export const desktop = { width: 1440, height: 900 } as const;
export const phone = { width: 360, height: 780 } as const;

const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
export const password = "correct horse battery";

/** A headless Chromium of this machine. */
export async function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}

export interface Look {
  theme: "dark" | "light";
  size: { width: number; height: number };
}

/** A context of its own; `state` brings the login of another one. */
export async function openContext(
  browser: Browser,
  look: Look,
  state?: Awaited<ReturnType<BrowserContext["storageState"]>>,
): Promise<BrowserContext> {
  return browser.newContext({
    viewport: look.size,
    colorScheme: look.theme,
    reducedMotion: "reduce",
    hasTouch: look.size.width < 600,
    ...(state ? { storageState: state } : {}),
  });
}

/** Follows a setup link to the dashboard, as on the first start. */
export async function setUp(page: Page, link: string): Promise<void> {
  await page.goto(link);
  await page.locator("input[autocomplete=username]").fill("admin");
  await page.locator("input[autocomplete=new-password]").first().fill(password);
  await page.locator("input[autocomplete=new-password]").last().fill(password);
  await page.getByRole("button", { name: "Create admin" }).click();
  await page.waitForURL("**/dashboard");
}

/** What the page said on its console as an error, or threw. */
export function watchErrors(page: Page): string[] {
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  return errors;
}
