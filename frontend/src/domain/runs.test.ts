import { describe, expect, it } from "vitest";
import { dayMs, idsOf, normalise, paramText } from "./runs";

describe("runs side by side", () => {
  it("begins each curve at 100 and holds its newest value between its points", () => {
    const { times, values } = normalise([
      { times: [10, 30], values: [200, 220] },
      { times: [20, 40], values: [50, 25] },
    ]);
    expect(times).toEqual([10, 20, 30, 40]);
    expect(values[0]?.map((value) => value && Math.round(value))).toEqual([100, 100, 110, null]);
    expect(values[1]).toEqual([null, 100, 100, 50]);
  });

  it("draws nothing of runs without points", () => {
    expect(normalise([{ times: [], values: [] }])).toEqual({ times: [], values: [[]] });
  });

  it("reads days and ids of an address", () => {
    expect(dayMs("2025-05-01")).toBe(1746057600000);
    expect(dayMs("")).toBeUndefined();
    expect(dayMs("2025-13-01")).toBeUndefined();
    expect(idsOf("B1, B2,B1,")).toEqual(["B1", "B2"]);
  });
});

describe("parameters", () => {
  it("shows the ends of a range as moments, other numbers as they are", () => {
    expect(paramText("to", Date.UTC(2025, 4, 11))).toBe("2025-05-11 00:00");
    expect(paramText("seed", 1746921600000)).toBe("1746921600000");
  });
});
