/** Numbers and times as a trader reads them. Every function takes null for "unknown" and answers DASH. */
export const DASH = "—";

export type NumberStyle = "point" | "comma" | "space";
export type TimeZoneChoice = "utc" | "local";

export interface FormatPreferences {
  numbers: NumberStyle;
  zone: TimeZoneChoice;
}

/** 1,234.50 · 1.234,50 · 1 234,50 (narrow no-break space, as the SI brochure writes thousands). */
const localeOf: Record<NumberStyle, string> = { point: "en-US", comma: "de-DE", space: "fr-FR" };

let preferences: FormatPreferences = { numbers: "point", zone: "utc" };

/** Set by the preferences of the user; read by every format below. */
export function setFormatPreferences(next: FormatPreferences): void {
  preferences = next;
}

const formats = new Map<string, Intl.NumberFormat>();

function fixed(value: number, digitsMin: number, digitsMax = digitsMin): string {
  const key = `${preferences.numbers}:${digitsMin}:${digitsMax}`;
  let format = formats.get(key);
  if (!format) {
    format = new Intl.NumberFormat(localeOf[preferences.numbers], {
      minimumFractionDigits: digitsMin,
      maximumFractionDigits: digitsMax,
    });
    formats.set(key, format);
  }
  // Signs of a table line up with a true minus; "-0.00" is zero.
  return format
    .format(Object.is(value, -0) ? 0 : value)
    .replace(/^-(?=[0.,]*$)/, "")
    .replace("-", "−");
}

type Maybe = number | null | undefined;

function isKnown(value: Maybe): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

interface Steps {
  symbol: string;
  venue_symbol: string;
  tick_size: number;
  lot_size: number;
}
let steps = new Map<string, Steps>();

/** What the venue counts prices and quantities in. Without it (before it has come, and for a symbol that is gone) numbers have five significant digits. */
export function setSteps(instruments: readonly Steps[]): void {
  steps = new Map(instruments.flatMap((each) => [each.symbol, each.venue_symbol].map((name) => [name, each])));
}

/** Decimals of a price: those of its tick when known, else five significant digits (1.2345, 0.00012345, 60,000.1). */
export function priceDigits(price: number, symbol?: string): number {
  const tick = symbol === undefined ? undefined : steps.get(symbol)?.tick_size;
  if (tick !== undefined && tick > 0) return decimalsOf(tick);
  const size = Math.abs(price);
  if (size === 0) return 2;
  return Math.min(8, Math.max(1, 4 - Math.floor(Math.log10(size))));
}

function decimalsOf(step: number): number {
  const text = step.toFixed(8).replace(/0+$/, "");
  return Math.max(0, text.length - text.indexOf(".") - 1);
}

export function formatPrice(price: Maybe, symbol?: string): string {
  return isKnown(price) ? fixed(price, priceDigits(price, symbol)) : DASH;
}

export function formatQuantity(quantity: Maybe, symbol?: string): string {
  if (!isKnown(quantity)) return DASH;
  const lot = symbol === undefined ? undefined : steps.get(symbol)?.lot_size;
  return lot !== undefined && lot > 0 ? fixed(quantity, decimalsOf(lot)) : fixed(quantity, 0, 6);
}

export function formatNumber(value: Maybe, digits = 2): string {
  return isKnown(value) ? fixed(value, digits) : DASH;
}

export function formatCount(value: Maybe): string {
  return isKnown(value) ? fixed(value, 0) : DASH;
}

function withSign(value: number, text: string): string {
  return value > 0 && /[1-9]/.test(text) ? `+${text}` : text;
}

export function formatUsd(value: Maybe, isSigned = false): string {
  if (!isKnown(value)) return DASH;
  const text = fixed(value, 2);
  return isSigned ? withSign(value, text) : text;
}

/** Multiples of the risk of a trade: +1.25 R. */
export function formatR(value: Maybe): string {
  return isKnown(value) ? `${withSign(value, fixed(value, 2))} R` : DASH;
}

/** A value that is a percentage already: 1.69 → 1.69 %. */
export function formatPercent(value: Maybe, isSigned = false, digits = 2): string {
  if (!isKnown(value)) return DASH;
  const text = fixed(value, digits);
  return `${isSigned ? withSign(value, text) : text} %`;
}

/** A fraction as a percentage: 0.0169 → 1.69 %. */
export function formatFraction(value: Maybe, isSigned = false, digits = 2): string {
  return formatPercent(isKnown(value) ? value * 100 : value, isSigned, digits);
}

export function formatBps(value: Maybe): string {
  return isKnown(value) ? `${fixed(value, 1)} bps` : DASH;
}

/** Large numbers in three digits: 1.25 M. The full value belongs into the tooltip. */
export function formatCompact(value: Maybe): string {
  if (!isKnown(value)) return DASH;
  const size = Math.abs(value);
  const steps: readonly (readonly [number, string])[] = [
    [1e12, "T"],
    [1e9, "B"],
    [1e6, "M"],
    [1e3, "k"],
  ];
  for (const [step, letter] of steps)
    if (size >= step) return `${fixed(value / step, size / step >= 100 ? 0 : size / step >= 10 ? 1 : 2)} ${letter}`;
  return fixed(value, size >= 100 || Number.isInteger(value) ? 0 : 2);
}

export function formatBytes(bytes: Maybe): string {
  if (!isKnown(bytes)) return DASH;
  if (bytes < 1000) return `${fixed(bytes, 0)} B`;
  return `${formatCompact(bytes)}B`;
}

/** 320 ms · 41 s · 12 m 5 s · 3 h 12 m · 2 d 4 h */
export function formatDuration(ms: Maybe): string {
  if (!isKnown(ms)) return DASH;
  const size = Math.abs(ms);
  if (size < 1000) return `${fixed(size, size < 10 && !Number.isInteger(size) ? 2 : 0)} ms`;
  const seconds = Math.floor(size / 1000);
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(seconds / 86400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [seconds % 60, "s"],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  return parts
    .slice(first, first + 2)
    .filter(([count], index) => index === 0 || count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(" ");
}

interface DateForm {
  date: boolean;
  time: boolean;
  seconds: boolean;
  millis: boolean;
}

function formatDate(ms: Maybe, form: DateForm, zone: TimeZoneChoice): string {
  if (!isKnown(ms)) return DASH;
  // Tables hold hundreds of times: a moved ISO text is twenty times as fast as the formatter of the platform.
  const moved = zone === "utc" ? ms : ms - new Date(ms).getTimezoneOffset() * 60_000;
  const iso = new Date(moved).toISOString();
  const at = iso.indexOf("T");
  const day = iso.slice(0, at);
  const clock = iso.slice(at + 1, at + (form.millis ? 13 : form.seconds ? 9 : 6));
  return form.date && form.time ? `${day} ${clock}` : form.date ? day : clock;
}

/** The short name of the display zone: UTC, or the local offset. */
export function zoneName(zone: TimeZoneChoice = preferences.zone): string {
  if (zone === "utc") return "UTC";
  const minutes = -new Date().getTimezoneOffset();
  const hours = Math.abs(minutes) / 60;
  return `UTC${minutes < 0 ? "−" : "+"}${Number.isInteger(hours) ? hours : hours.toFixed(1)}`;
}

export function formatDateTime(ms: Maybe, options: { seconds?: boolean; millis?: boolean; zone?: TimeZoneChoice } = {}): string {
  return formatDate(
    ms,
    { date: true, time: true, seconds: options.seconds ?? true, millis: options.millis ?? false },
    options.zone ?? preferences.zone,
  );
}

export function formatDay(ms: Maybe, zone: TimeZoneChoice = preferences.zone): string {
  return formatDate(ms, { date: true, time: false, seconds: false, millis: false }, zone);
}

export function formatClock(ms: Maybe, options: { seconds?: boolean; millis?: boolean; zone?: TimeZoneChoice } = {}): string {
  return formatDate(
    ms,
    { date: false, time: true, seconds: options.seconds ?? true, millis: options.millis ?? false },
    options.zone ?? preferences.zone,
  );
}

/** The same moment in the zone that is not on display, for tooltips. */
export function formatOtherZone(ms: Maybe): string {
  const other: TimeZoneChoice = preferences.zone === "utc" ? "local" : "utc";
  return isKnown(ms) ? `${formatDateTime(ms, { zone: other })} ${zoneName(other)}` : DASH;
}

/** BTC/USDT:USDT → BTC/USDT; the settle currency of a linear contract says nothing new. */
export function shortSymbol(symbol: string): string {
  return symbol.replace(/:.*$/, "");
}

/** BTC/USDT:USDT → BTCUSDT, the spelling for an address. */
export function symbolSlug(symbol: string): string {
  return shortSymbol(symbol).replace("/", "");
}

/** snake_case words of the API for people: level_building → level building. */
export function humanise(word: string): string {
  return word.replaceAll("_", " ");
}

export type Tone = "up" | "down" | "warn" | "info" | "accent" | "neutral";

export function toneOf(value: Maybe): Tone {
  if (!isKnown(value) || value === 0) return "neutral";
  return value > 0 ? "up" : "down";
}
