/** Overlays of the price chart, from the candles shown. The definitions are those of the engine (market data 4 and positions 5); a value before enough
 * candles exist is null. All functions take candles oldest first and answer one value a candle. */
export interface Bar {
  high: number;
  low: number;
  close: number;
  volume: number;
}

type Series = (number | null)[];

/** Seed: mean of the first n closes; then EMA + 2/(n+1)·(close − EMA). */
export function ema(bars: readonly Bar[], n: number): Series {
  const out: Series = [];
  let value = 0;
  bars.forEach(({ close }, index) => {
    if (index < n) value += close / n;
    else value += (2 / (n + 1)) * (close - value);
    out.push(index < n - 1 ? null : value);
  });
  return out;
}

/** Σ typical price · volume / Σ volume over the last n candles, the newest included. */
export function vwap(bars: readonly Bar[], n: number): Series {
  return bars.map((_, index) => {
    if (index < n - 1) return null;
    const window = bars.slice(index - n + 1, index + 1);
    const volume = window.reduce((sum, bar) => sum + bar.volume, 0);
    if (volume <= 0) return null;
    return window.reduce((sum, bar) => sum + ((bar.high + bar.low + bar.close) / 3) * bar.volume, 0) / volume;
  });
}

/** Mean of n closes and the bands at ± width population deviations. */
export function bollinger(bars: readonly Bar[], n: number, width: number): { middle: Series; upper: Series; lower: Series } {
  const middle: Series = [];
  const upper: Series = [];
  const lower: Series = [];
  bars.forEach((_, index) => {
    if (index < n - 1) {
      for (const series of [middle, upper, lower]) series.push(null);
      return;
    }
    const closes = bars.slice(index - n + 1, index + 1).map((bar) => bar.close);
    const mean = closes.reduce((sum, close) => sum + close, 0) / n;
    const deviation = Math.sqrt(closes.reduce((sum, close) => sum + (close - mean) ** 2, 0) / n);
    middle.push(mean);
    upper.push(mean + width * deviation);
    lower.push(mean - width * deviation);
  });
  return { middle, upper, lower };
}

/** Wilder's average true range: mean of the first n true ranges, then (ATR·(n−1) + TR)/n. */
export function atr(bars: readonly Bar[], n: number): Series {
  let value = 0;
  return bars.map((bar, index) => {
    const before = bars[index - 1];
    if (!before) return null;
    const range = Math.max(bar.high, before.close) - Math.min(bar.low, before.close);
    value = index <= n ? value + range / n : (value * (n - 1) + range) / n;
    return index < n ? null : value;
  });
}

/** Where a chandelier stop would be: of a long, the highest high of n candles less multiple·ATR(n); of a short, the lowest low plus it. */
export function chandelier(bars: readonly Bar[], n: number, multiple: number, side: "long" | "short"): Series {
  const range = atr(bars, n);
  return bars.map((_, index) => {
    const width = range[index];
    if (width == null || index < n - 1) return null;
    const window = bars.slice(index - n + 1, index + 1);
    if (side === "long") return Math.max(...window.map((bar) => bar.high)) - multiple * width;
    return Math.min(...window.map((bar) => bar.low)) + multiple * width;
  });
}
