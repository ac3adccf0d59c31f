import { expect, test } from "vitest";
import { groupByCode, ladderOf, stages, tellingReason } from "./decisions";
import { median } from "./scan";
import { dayUtc, minuteUtc } from "./utc";

const reason = (code: string, passed: boolean, distance: number | null = null, value: number | null = null) => ({
  code,
  passed,
  skipped: false,
  value,
  threshold: 1,
  distance,
  unit: "ratio",
  comparator: ">=",
});
const decision = (stage: string, verdict: string, ts: number, reasons = [reason("a", verdict === "passed")]) => ({
  stage,
  verdict,
  ts,
  code: "a",
  reasons,
});

test("the reason of the verdict", () => {
  const failed = reason("b", false);
  expect(tellingReason({ code: "b", reasons: [reason("a", false), failed] })).toBe(failed);
  expect(tellingReason({ code: "x", reasons: [reason("a", true), failed] })).toBe(failed);
  expect(tellingReason({ code: "a", reasons: [] })).toBeNull();
});

test("the ladder has every stage, with the newest decision of it", () => {
  const ladder = ladderOf([decision("filter", "passed", 1), decision("filter", "rejected", 2), decision("signal", "passed", 1)]);
  expect(ladder.map(({ stage }) => stage)).toEqual([...stages]);
  expect(ladder.filter(({ verdict }) => verdict !== "none").map(({ stage, verdict }) => [stage, verdict])).toEqual([
    ["filter", "failed"],
    ["signal", "passed"],
  ]);
});

test("groups by code with the nearest miss", () => {
  const rows = [
    decision("filter", "rejected", 1, [reason("a", false, -0.5, 0.5), reason("b", true, 1, 2)]),
    decision("filter", "rejected", 2, [reason("a", false, -0.1, 0.9), reason("c", false)]),
  ];
  expect(groupByCode(rows, median)).toEqual([
    { code: "a", count: 2, median_value: 0.7, threshold: 1, nearest_distance: -0.1, unit: "ratio" },
    { code: "c", count: 1, median_value: null, threshold: 1, nearest_distance: null, unit: "ratio" },
  ]);
});

test("half-typed dates are no dates", () => {
  expect(dayUtc("2025-05-12")).toBe(Date.UTC(2025, 4, 12));
  expect(dayUtc("")).toBeNull();
  expect(dayUtc("2025-13-40")).toBeNull();
  expect(minuteUtc("2025-05-12T01:30")).toBe(Date.UTC(2025, 4, 12, 1, 30));
  expect(minuteUtc("")).toBeNull();
});
