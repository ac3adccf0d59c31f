import { expect, it } from "vitest";
import { filterRows, keepOrder, sortRows, toggleSort } from "./rows";

const rows = [
  { id: "a", r: 1 },
  { id: "b", r: null },
  { id: "c", r: 3 },
  { id: "d", r: 1 },
];
const ids = (list: readonly { id: string }[]) => list.map((row) => row.id).join("");

it("sorts with unknown values last both ways, equal ones as they were", () => {
  expect(ids(sortRows(rows, (row) => row.r, false))).toBe("adcb");
  expect(ids(sortRows(rows, (row) => row.r, true))).toBe("cadb");
});

it("filters by every word", () => {
  expect(ids(filterRows(rows, "", () => ""))).toBe("abcd");
  expect(ids(filterRows(rows, "B 9", (row) => `${row.id} 9`))).toBe("b");
});

it("goes through descending, ascending and unsorted", () => {
  expect(toggleSort("", "r")).toBe("-r");
  expect(toggleSort("-r", "r")).toBe("r");
  expect(toggleSort("r", "r")).toBe("");
});

it("keeps rows in their places and puts new ones last", () => {
  expect(ids(keepOrder(rows, ["c", "x", "a"], (row) => row.id))).toBe("cabd");
});
