import { useSyncExternalStore } from "react";
import { type FormatPreferences, type NumberStyle, setFormatPreferences, type TimeZoneChoice } from "../domain/format";

type ThemeChoice = "system" | "dark" | "light";
type Density = "compact" | "comfortable";
type Palette = "standard" | "colour-blind";

export interface Preferences extends FormatPreferences {
  theme: ThemeChoice;
  density: Density;
  palette: Palette;
  numbers: NumberStyle;
  zone: TimeZoneChoice;
  isFillSoundOn: boolean;
  areLetterKeysOn: boolean;
  isNavigationNarrow: boolean;
  /** Small choices of pages: columns shown, table or cards. Keys are "page.choice". */
  choices: Readonly<Record<string, string>>;
}

const STORAGE_KEY = "breakout.preferences";
const defaults: Preferences = {
  theme: "system",
  density: "compact",
  palette: "standard",
  numbers: "point",
  zone: "utc",
  isFillSoundOn: false,
  areLetterKeysOn: true,
  isNavigationNarrow: false,
  choices: {},
};
/** What a key may be; a stored word that is not here falls back to the default. */
const words: Partial<Record<keyof Preferences, readonly string[]>> = {
  theme: ["system", "dark", "light"],
  density: ["compact", "comfortable"],
  palette: ["standard", "colour-blind"],
  numbers: ["point", "comma", "space"],
  zone: ["utc", "local"],
};

function isSound(key: keyof Preferences, value: unknown): boolean {
  const allowed = words[key];
  if (allowed) return typeof value === "string" && allowed.includes(value);
  if (key === "choices")
    return typeof value === "object" && value !== null && Object.values(value).every((choice) => typeof choice === "string");
  return typeof value === typeof defaults[key];
}

function read(): Preferences {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(STORAGE_KEY) ?? "{}");
    if (typeof stored !== "object" || stored === null) return defaults;
    const known = Object.entries(stored).filter(([key, value]) => key in defaults && isSound(key as keyof Preferences, value));
    return { ...defaults, ...(Object.fromEntries(known) as Partial<Preferences>) };
  } catch {
    // Storage that is forbidden or broken: the defaults do.
    return defaults;
  }
}

let current = read();
const listeners = new Set<() => void>();

function apply(): void {
  setFormatPreferences(current);
  document.documentElement.dataset["density"] = current.density;
  document.documentElement.dataset["palette"] = current.palette;
}
apply();

export function getPreferences(): Preferences {
  return current;
}

export function setPreferences(patch: Partial<Preferences>): void {
  current = { ...current, ...patch };
  try {
    localStorage.setItem(STORAGE_KEY, JSON.stringify(current));
  } catch {
    // Without storage the choice lasts until the page is closed.
  }
  apply();
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function usePreferences(): Preferences {
  return useSyncExternalStore(subscribe, getPreferences);
}

/** A remembered small choice of a page, such as "positions.view" = "cards". */
export function useChoice(key: string, fallback: string): [string, (value: string) => void] {
  const value = usePreferences().choices[key] ?? fallback;
  return [value, (next) => setPreferences({ choices: { ...current.choices, [key]: next } })];
}

const darkQuery = "(prefers-color-scheme: dark)";
// One to read and one to listen to: a list that is read just after the change has nothing to tell its listeners any more.
const dark = matchMedia(darkQuery);

function subscribeToScheme(listener: () => void): () => void {
  const heard = matchMedia(darkQuery);
  heard.addEventListener("change", listener);
  return () => heard.removeEventListener("change", listener);
}

/** dark or light, whatever "system" means at the moment. Charts read their colours by it. */
export function useScheme(): "dark" | "light" {
  const { theme } = usePreferences();
  const isSystemDark = useSyncExternalStore(subscribeToScheme, () => dark.matches);
  if (theme !== "system") return theme;
  return isSystemDark ? "dark" : "light";
}
