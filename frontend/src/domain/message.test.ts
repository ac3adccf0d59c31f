import { expect, it } from "vitest";
import { formatMessage } from "./message";

it("puts values in", () => {
  expect(formatMessage("{symbol} at {price}", { symbol: "BTC", price: 5 })).toBe("BTC at 5");
  expect(formatMessage("{n, number}", { n: 12345 })).toBe("12,345");
});

it.each([
  [0, "nothing"],
  [1, "1 order"],
  [1200, "1,200 orders"],
])("chooses the plural of %s", (n, text) => {
  expect(formatMessage("{n, plural, =0 {nothing} one {# order} other {# orders}}", { n })).toBe(text);
});

it("chooses by a word, also inside a plural", () => {
  const message = "{side, select, long {{n, plural, one {# long} other {# longs}}} other {none}}";
  expect(formatMessage(message, { side: "long", n: 2 })).toBe("2 longs");
  expect(formatMessage(message, { side: "flat", n: 2 })).toBe("none");
});

it("leaves # alone outside of plurals", () => {
  expect(formatMessage("order # {id}", { id: 7 })).toBe("order # 7");
});

it.each(["{a", "a}", "{n, plural, one {x}}", "{n, ordinal}"])("refuses %s", (message) => {
  expect(() => formatMessage(message, { n: 1, a: 1 })).toThrow();
});
