/** Totals of a list of trades, and the filters that the API does not have. */
interface TradeLike {
  pnl_usd: number;
  pnl_r: number | null;
  gross_usd: number;
  fees_usd: number;
  funding_usd: number;
  hold_ms: number;
}

export interface TradeTotals {
  count: number;
  wins: number;
  /** null without a trade. */
  winRate: number | null;
  pnlUsd: number;
  grossUsd: number;
  feesUsd: number;
  fundingUsd: number;
  /** Sum and mean of the trades whose R is known; null without one. */
  r: number | null;
  averageR: number | null;
  averageHoldMs: number | null;
}

export function totalsOfTrades(trades: readonly TradeLike[]): TradeTotals {
  const sum = (value: (trade: TradeLike) => number): number => trades.reduce((total, trade) => total + value(trade), 0);
  const rs = trades.flatMap(({ pnl_r }) => (pnl_r === null ? [] : [pnl_r]));
  const r = rs.length === 0 ? null : rs.reduce((total, value) => total + value, 0);
  const count = trades.length;
  const wins = trades.filter(({ pnl_usd }) => pnl_usd > 0).length;
  return {
    count,
    wins,
    winRate: count === 0 ? null : wins / count,
    pnlUsd: sum(({ pnl_usd }) => pnl_usd),
    grossUsd: sum(({ gross_usd }) => gross_usd),
    feesUsd: sum(({ fees_usd }) => fees_usd),
    fundingUsd: sum(({ funding_usd }) => funding_usd),
    r,
    averageR: r === null ? null : r / rs.length,
    averageHoldMs: count === 0 ? null : sum(({ hold_ms }) => hold_ms) / count,
  };
}
