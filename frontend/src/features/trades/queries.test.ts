import { expect, test } from "vitest";
import { tradeWords } from "./queries";

const none = { symbol: "", side: "", strategy: "", preset: "", exit_reason: "", mode: "", from: "", to: "" };

test("only filters that are set are sent", () => {
  expect(tradeWords(none)).toEqual({});
  expect(tradeWords({ ...none, side: "long", preset: "breakout_v1" })).toEqual({ side: "long", preset: "breakout_v1" });
});

test("the last day belongs to the range", () => {
  expect(tradeWords({ ...none, from: "2025-05-12", to: "2025-05-12" })).toEqual({
    from: Date.UTC(2025, 4, 12),
    to: Date.UTC(2025, 4, 13),
  });
});
