import { expect, test } from "vitest";
import { decisionWords } from "./queries";

const none = { symbol: "", stage: "", verdict: "", code: "", trace_id: "", run_id: "", from: "", to: "" };

test("only filters that are set are sent; an empty date is none", () => {
  expect(decisionWords(none)).toEqual({});
  expect(decisionWords({ ...none, symbol: "ETHUSDT", from: "2025-05-12T01:30" })).toEqual({
    symbol: "ETHUSDT",
    from: Date.UTC(2025, 4, 12, 1, 30),
  });
});
