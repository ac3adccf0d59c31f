import { expect, test } from "vitest";
import { formatMeasure, formatNeed, gaugeOf } from "./measures";

test("values with their units", () => {
  expect(formatMeasure(0.0065, "fraction")).toBe("0.65 %");
  expect(formatMeasure(5_000_000, "USD")).toBe("5.00 M USD");
  expect(formatMeasure(1.4, "ratio")).toBe("1.40×");
  expect(formatMeasure(0.0616, "%/candle")).toBe("0.0616 %/candle");
  expect(formatMeasure(null, "USD")).toBe("—");
  expect(formatNeed(0.76, 1.4, "ratio", ">=")).toBe("0.76× → ≥ 1.40×");
  expect(formatNeed(1, null, "ratio")).toBe("1.00×");
});

test("value and threshold on one bar", () => {
  const near = gaugeOf(0.5, 1);
  expect(near).toMatchObject({ zero: 0, isLog: false });
  expect(near.value * 2).toBeCloseTo(near.threshold, 10);
  const far = gaugeOf(18e9, 5e6);
  expect(far.isLog).toBe(true);
  expect(far.threshold).toBeLessThan(far.value);
  expect(far.value).toBeLessThan(1);
  const below = gaugeOf(-0.4, 0.2);
  expect(below.value).toBeLessThan(below.zero);
  expect(below.threshold).toBeGreaterThan(below.zero);
  expect(gaugeOf(0, 0)).toMatchObject({ value: 0, threshold: 0 });
});
