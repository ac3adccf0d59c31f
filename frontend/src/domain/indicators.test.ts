import { expect, test } from "vitest";
import { atr, type Bar, bollinger, chandelier, ema, vwap } from "./indicators";

const bar = (high: number, low: number, close: number, volume = 1): Bar => ({ high, low, close, volume });
const bars = [bar(11, 9, 10), bar(13, 10, 12, 3), bar(14, 11, 11), bar(16, 12, 15, 2)];

// By hand: seed (10+12)/2 = 11; then 11 + 2/3·(11−11) = 11; 11 + 2/3·(15−11) = 13.6667.
test("EMA is seeded with the mean", () => {
  const series = ema(bars, 2);
  expect(series[0]).toBeNull();
  expect(series[1]).toBeCloseTo(11, 10);
  expect(series[2]).toBeCloseTo(11, 10);
  expect(series[3]).toBeCloseTo(13 + 2 / 3, 10);
});

// By hand: typical 10, 35/3, 12, 43/3; (10·1 + 35/3·3)/4 = 11.25; (35/3·3 + 12)/4 = 11.75.
test("VWAP weighs typical prices by volume", () => {
  expect(vwap(bars, 2).map((value) => value && Number(value.toFixed(6)))).toEqual([null, 11.25, 11.75, 13.555556]);
  expect(vwap([bar(1, 1, 1, 0), bar(1, 1, 1, 0)], 2)).toEqual([null, null]);
});

// By hand: closes 10, 12: mean 11, deviation 1.
test("Bollinger bands use the population deviation", () => {
  const { middle, upper, lower } = bollinger(bars, 2, 2);
  expect([middle[1], upper[1], lower[1]]).toEqual([11, 13, 9]);
  expect(upper[0]).toBeNull();
});

// By hand: true ranges 3 (13−10), 3 (14−11), 5 (16−11); n = 2: (3+3)/2 = 3, (3·1+5)/2 = 4.
test("ATR is Wilder's", () => {
  expect(atr(bars, 2)).toEqual([null, null, 3, 4]);
});

// By hand with the ranges above: long 16 − 1·4, short 11 + 1·4.
test("chandelier hangs from the extreme", () => {
  expect(chandelier(bars, 2, 1, "long")).toEqual([null, null, 11, 12]);
  expect(chandelier(bars, 2, 1, "short")[3]).toBe(15);
});
