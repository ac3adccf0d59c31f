/** Figures of a list of trades that charts need; the figures of record come from the API. */
export interface TradeLike {
  closed_at: number;
  pnl_r: number | null;
  fees_usd: number;
  funding_usd: number;
  gross_usd: number;
  slippage_entry_bps: number | null;
  slippage_exit_bps: number | null;
}

/** Mean R of each trade and the n − 1 before it, by closing time; nothing before there are n. */
export function rollingAverageR(trades: readonly TradeLike[], n: number): { ts: number; value: number }[] {
  const sorted = trades.filter((trade) => trade.pnl_r !== null).sort((a, b) => a.closed_at - b.closed_at);
  return sorted.slice(n - 1).map((trade, index) => ({
    ts: trade.closed_at,
    value: sorted.slice(index, index + n).reduce((sum, each) => sum + (each.pnl_r ?? 0), 0) / n,
  }));
}

function mean(values: readonly (number | null)[]): number | null {
  const known = values.filter((value): value is number => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}

export interface Costs {
  fees: number;
  funding: number;
  slippageIn: number | null;
  slippageOut: number | null;
  /** Fees over the gross profit of winning trades; null without one. */
  feeShare: number | null;
}

export function costsOf(trades: readonly TradeLike[]): Costs {
  const sum = (value: (trade: TradeLike) => number): number => trades.reduce((total, trade) => total + value(trade), 0);
  const gross = sum((trade) => Math.max(0, trade.gross_usd));
  const fees = sum((trade) => trade.fees_usd);
  return {
    fees,
    funding: sum((trade) => trade.funding_usd),
    slippageIn: mean(trades.map((trade) => trade.slippage_entry_bps)),
    slippageOut: mean(trades.map((trade) => trade.slippage_exit_bps)),
    feeShare: gross > 0 ? fees / gross : null,
  };
}
