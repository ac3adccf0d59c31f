import { expect, it } from "vitest";
import { isSearchKind, NO_SEARCH, parametersOf, searchParams } from "./searches";

it("reads a key a line: lists of numbers and words, ranges as they are", () => {
  expect(parametersOf(" a.period = 10, 20\n\nb.side=long,both\nc.on = true,false\nd.range=1:2:0.5\ne")).toEqual({
    "a.period": [10, 20],
    "b.side": ["long", "both"],
    "c.on": [true, false],
    "d.range": "1:2:0.5",
    e: [""],
  });
});

it("asks only for what the kind takes and what was given", () => {
  const words = { ...NO_SEARCH, lines: "a=1", objective: " sharpe ", inDays: 30, outDays: 10, draws: 500 };
  expect(searchParams("monte_carlo", words)).toEqual({ draws: 500 });
  expect(searchParams("sweep", words)).toEqual({ parameters: { a: [1] }, objective: "sharpe", draws: 500 });
  expect(searchParams("walk_forward", words)).toEqual({
    parameters: { a: [1] },
    objective: "sharpe",
    draws: 500,
    in_days: 30,
    out_days: 10,
  });
});

it("knows which kinds search", () => {
  expect(isSearchKind("sweep")).toBe(true);
  expect(isSearchKind("backtest")).toBe(false);
});
