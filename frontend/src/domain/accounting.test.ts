import { expect, test } from "vitest";
import { type AccountedPosition, accountOf } from "./accounting";

const order = (purpose: string, side: "buy" | "sell", qty: number, price: number | null, fees: number, at: number) => ({
  client_order_id: `${purpose}-${at}`,
  purpose,
  side,
  level_name: purpose === "target" ? "TP1" : null,
  filled_qty: qty,
  average_price: price,
  fees_usd: fees,
  updated_at: at,
});
// Long 10 at 100: 4 sold at 105 (+20), 6 open at 102 (+12), fees 1 and 0.5, funding −0.25: 30.25.
const position: AccountedPosition = {
  side: "long",
  entry: 100,
  qty: 6,
  mark: 102,
  r_usd: 20,
  pnl_unrealised_usd: 12,
  fees_usd: 1.5,
  funding_usd: -0.25,
  pnl_usd: 30.25,
};
const orders = [
  order("entry", "buy", 10, 100, 1, 1),
  order("target", "sell", 4, 105, 0.5, 2),
  order("stop", "sell", 0, null, 0, 3),
];

test("lines add up to the total, in USD and R", () => {
  const lines = accountOf(position, orders);
  expect(lines.map(({ kind, usd, r }) => [kind, usd, r])).toEqual([
    ["exit", 20, 1],
    ["open", 12, 0.6],
    ["entry-fees", -1, -0.05],
    ["exit-fees", -0.5, -0.025],
    ["funding", -0.25, -0.0125],
    ["total", 30.25, 1.5125],
  ]);
});

test("what the orders do not explain is a line of its own", () => {
  const lines = accountOf({ ...position, pnl_usd: 25.25, fees_usd: 2 }, orders);
  expect(lines.find(({ kind }) => kind === "other-fees")?.usd).toBeCloseTo(-0.5, 10);
  expect(lines.find(({ kind }) => kind === "rest")?.usd).toBeCloseTo(-4.5, 10);
});

test("unknown stays unknown", () => {
  const lines = accountOf({ ...position, pnl_unrealised_usd: null, mark: null, pnl_usd: null, r_usd: 0 }, orders);
  expect(lines.at(-1)).toMatchObject({ kind: "total", usd: null, r: null });
  expect(lines.some(({ kind }) => kind === "rest")).toBe(false);
  expect(lines[0]).toMatchObject({ usd: 20, r: null });
});

test("a short closes by buying", () => {
  const lines = accountOf({ ...position, side: "short", qty: 0, pnl_usd: 20 - 0.25, fees_usd: 0 }, [
    order("entry", "sell", 4, 100, 0, 1),
    order("stop", "buy", 4, 95, 0, 2),
  ]);
  expect(lines[0]).toMatchObject({ kind: "exit", purpose: "stop", usd: 20 });
});
