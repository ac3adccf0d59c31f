import { useState, useSyncExternalStore } from "react";

/* One clock for all that show an age: they are painted together, not each at its own moment of the second. */

class Ticker {
  #now = Date.now();
  #timer: ReturnType<typeof setInterval> | undefined;
  readonly #listeners = new Set<() => void>();
  readonly #everyMs: number;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    this.#timer ??= setInterval(() => this.#tick(), this.#everyMs);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  };

  readonly read = (): number => {
    // Nobody listened for a while: the clock stood still.
    if (this.#timer === undefined && Math.abs(Date.now() - this.#now) >= this.#everyMs) this.#now = Date.now();
    return this.#now;
  };

  #tick(): void {
    if (document.visibilityState !== "visible") return;
    this.#now = Date.now();
    for (const listener of this.#listeners) listener();
  }
}

const tickers = new Map<number, Ticker>();

function tickerOf(everyMs: number): Ticker {
  let ticker = tickers.get(everyMs);
  if (!ticker) {
    ticker = new Ticker(everyMs);
    tickers.set(everyMs, ticker);
  }
  return ticker;
}

/** The wall clock, read again every `everyMs`; stands still while the tab is hidden. */
export function useNow(everyMs = 1000): number {
  const ticker = tickerOf(everyMs);
  // What comes between two ticks is not from the future.
  const [bornAt] = useState(() => Date.now());
  return Math.max(bornAt, useSyncExternalStore(ticker.subscribe, ticker.read));
}

/** How long ago `since` was, in whole seconds as ms; null while that is not more than `overMs`. Renders again only when the answer changes. */
export function useAge(since: number | null, overMs: number): number | null {
  const ticker = tickerOf(1000);
  return useSyncExternalStore(ticker.subscribe, () => {
    if (since === null) return null;
    const age = Math.max(0, ticker.read() - since);
    return age > overMs ? Math.round(age / 1000) * 1000 : null;
  });
}
