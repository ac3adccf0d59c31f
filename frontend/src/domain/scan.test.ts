import { expect, test } from "vitest";
import { filterCount, type FilterLike, filterStatistics, isShown, median } from "./scan";

const filter = (code: string, passed: boolean, value: number | null, skipped = false): FilterLike => ({
  code,
  passed,
  skipped,
  value,
  threshold: skipped ? null : 1,
  distance: null,
  unit: "ratio",
});
const row = (surge: number, hasVolume: boolean) => {
  const filters = {
    surge: filter("surge", surge >= 1, surge),
    volume: filter("volume", hasVolume, hasVolume ? 2 : 0.5),
    spread: filter("spread", true, null, true),
  };
  const failed = Object.values(filters).flatMap(({ code, passed }) => (passed ? [] : [code]));
  return { passed: failed.length === 0, filters, failed };
};

test("all, passed, almost", () => {
  const rows = [row(2, true), row(0.5, true), row(0.5, false)];
  expect(rows.filter((each) => isShown(each, "all"))).toHaveLength(3);
  expect(rows.filter((each) => isShown(each, "passed"))).toEqual([rows[0]]);
  expect(rows.filter((each) => isShown(each, "almost"))).toEqual([rows[1]]);
});

test("skipped filters count neither way", () => {
  expect(filterCount(row(0.5, true))).toEqual({ passed: 1, asked: 2, skipped: 1 });
});

test("median", () => {
  expect(median([])).toBeNull();
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
});

test("pass rate of the last hour, median of the rows", () => {
  const hour = 3_600_000;
  const scans = [
    { ts: 10 * hour, scanned: 10, failed_by_filter: { surge: 5 } },
    { ts: 9.5 * hour, scanned: 10, failed_by_filter: { surge: 1, volume: 4 } },
    { ts: 9 * hour, scanned: 100, failed_by_filter: { surge: 100 } },
  ];
  const codes = [{ code: "surge", count: 6, median_value: 0.4, nearest_distance: -0.1 }];
  const [surge, volume, spread] = filterStatistics([row(2, true), row(0.5, true), row(0.6, false)], scans, codes);
  expect(surge).toEqual({
    code: "surge",
    unit: "ratio",
    passRate: 0.7,
    medianNow: 0.6,
    threshold: 1,
    medianFailed: 0.4,
    nearest: -0.1,
    isSkipped: false,
  });
  expect(volume?.passRate).toBe(0.8);
  expect(spread).toMatchObject({ isSkipped: true, passRate: null, medianNow: null });
});
