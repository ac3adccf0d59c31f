import { expect, test } from "vitest";
import { costsOf, rollingAverageR, type TradeLike } from "./trade-figures";

const trade = (closed_at: number, pnl_r: number | null, gross_usd = 0, fees_usd = 1): TradeLike => ({
  closed_at,
  pnl_r,
  fees_usd,
  funding_usd: 0.5,
  gross_usd,
  slippage_entry_bps: pnl_r,
  slippage_exit_bps: null,
});

test("rolling average by closing time, unknown R left out", () => {
  const trades = [trade(3, 2), trade(1, 1), trade(2, null), trade(4, -1)];
  expect(rollingAverageR(trades, 2)).toEqual([
    { ts: 3, value: 1.5 },
    { ts: 4, value: 0.5 },
  ]);
  expect(rollingAverageR(trades, 4)).toEqual([]);
});

test("costs of trades", () => {
  expect(costsOf([trade(1, 2, 10), trade(2, null, -4)])).toEqual({
    fees: 2,
    funding: 1,
    slippageIn: 2,
    slippageOut: null,
    feeShare: 0.2,
  });
  expect(costsOf([]).feeShare).toBeNull();
});
