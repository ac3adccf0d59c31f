import { afterEach, describe, expect, it } from "vitest";
import {
  DASH,
  formatBps,
  formatBytes,
  formatClock,
  formatCompact,
  formatDateTime,
  formatDuration,
  formatFraction,
  formatPercent,
  formatPrice,
  formatQuantity,
  formatR,
  formatUsd,
  setSteps,
  setFormatPreferences,
  shortSymbol,
  symbolSlug,
  toneOf,
} from "./format";

afterEach(() => setFormatPreferences({ numbers: "point", zone: "utc" }));

describe("numbers", () => {
  const ofStep = (tick: number | undefined, lot = 1): string => {
    setSteps(tick === undefined ? [] : [{ symbol: "X/USDT:USDT", venue_symbol: "XUSDT", tick_size: tick, lot_size: lot }]);
    return "X/USDT:USDT";
  };
  it.each([
    [60000.1, 0.1, "60,000.1"],
    [0.00012345, 0.0000001, "0.0001235"],
    [1.5, 0.25, "1.50"],
    [100, 1, "100"],
    [25.230857, undefined, "25.231"],
    [0.00012345678, undefined, "0.00012346"],
    [null, 0.1, DASH],
    [Number.NaN, 0.1, DASH],
  ])("price %s with tick %s is %s", (price, tick, text) => {
    expect(formatPrice(price, ofStep(tick))).toBe(text);
  });

  it("signs profit and loss with a true minus, and zero with nothing", () => {
    expect(formatUsd(12.345, true)).toBe("+12.35");
    expect(formatUsd(-12.3, true)).toBe("−12.30");
    expect(formatUsd(0, true)).toBe("0.00");
    expect(formatUsd(-0.001, true)).toBe("0.00");
    expect(formatUsd(0.001, true)).toBe("0.00");
    expect(formatR(1.25)).toBe("+1.25 R");
    expect(formatR(-0.5)).toBe("−0.50 R");
    expect(formatR(null)).toBe(DASH);
  });

  it("tells fractions from percentages", () => {
    expect(formatFraction(0.0169)).toBe("1.69 %");
    expect(formatPercent(1.69)).toBe("1.69 %");
    expect(formatPercent(1.69, true)).toBe("+1.69 %");
    expect(formatFraction(undefined)).toBe(DASH);
  });

  it.each([
    [1_250_000, "1.25 M"],
    [1_550_263_682, "1.55 B"],
    [12_345, "12.3 k"],
    [123_456, "123 k"],
    [-2_500, "−2.50 k"],
    [999, "999"],
    [1.5, "1.50"],
  ])("%s in short is %s", (value, text) => {
    expect(formatCompact(value)).toBe(text);
  });

  it("writes quantities with the decimals of their lot", () => {
    expect(formatQuantity(342.62, ofStep(1, 0.01))).toBe("342.62");
    expect(formatQuantity(342.6, ofStep(1, 0.001))).toBe("342.600");
    expect(formatQuantity(342.6, "XUSDT")).toBe("342.600");
    expect(formatQuantity(1.25)).toBe("1.25");
    expect(formatBps(-9.94)).toBe("−9.9 bps");
    expect(formatBytes(1_500_000)).toBe("1.50 MB");
  });

  it("follows the number format of the user", () => {
    setFormatPreferences({ numbers: "comma", zone: "utc" });
    expect(formatUsd(-1234.5)).toBe("−1.234,50");
    setFormatPreferences({ numbers: "space", zone: "utc" });
    expect(formatUsd(1234.5)).toBe("1\u202f234,50");
  });
});

describe("times", () => {
  it.each([
    [320, "320 ms"],
    [41_000, "41 s"],
    [725_000, "12 m 5 s"],
    [11_520_000, "3 h 12 m"],
    [3_600_000, "1 h"],
    [187_200_000, "2 d 4 h"],
    [null, DASH],
  ])("%s ms is %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it("shows moments in UTC unless told otherwise", () => {
    expect(formatDateTime(1767225600123)).toBe("2026-01-01 00:00:00");
    expect(formatDateTime(1767225600123, { millis: true })).toBe("2026-01-01 00:00:00.123");
    expect(formatClock(1767225600123, { seconds: false })).toBe("00:00");
  });
});

it("shortens symbols", () => {
  expect(shortSymbol("BTC/USDT:USDT")).toBe("BTC/USDT");
  expect(symbolSlug("BTC/USDT:USDT")).toBe("BTCUSDT");
  expect(toneOf(-1)).toBe("down");
  expect(toneOf(0)).toBe("neutral");
});
