import type { Daemon } from "./daemon";

export interface PageAddress {
  name: string;
  path: string;
}

/** Every page of the product, by the address that the navigation gives it; what stands in braces is an id of the running demo. */
export const pages: readonly PageAddress[] = [
  { name: "dashboard", path: "/dashboard" },
  { name: "chart", path: "/chart/BTCUSDT" },
  { name: "positions", path: "/trading/positions" },
  { name: "orders", path: "/trading/orders" },
  { name: "trades", path: "/trading/trades" },
  { name: "scanner", path: "/scanner" },
  { name: "scanner-symbol", path: "/scanner/BTCUSDT" },
  { name: "decisions", path: "/decisions" },
  { name: "performance", path: "/performance" },
  { name: "backtests", path: "/backtests" },
  { name: "backtest-new", path: "/backtests/new" },
  { name: "engine", path: "/engine" },
  { name: "presets", path: "/presets" },
  { name: "preset", path: "/presets/breakout_v1" },
  { name: "monitoring", path: "/monitoring" },
  { name: "alerts", path: "/alerts" },
  { name: "logs", path: "/logs" },
  { name: "settings", path: "/settings" },
  { name: "settings-access", path: "/settings?tab=access" },
  { name: "settings-server", path: "/settings?tab=server" },
  { name: "audit", path: "/audit" },
  { name: "position", path: "/trading/positions/{position}" },
  { name: "trade", path: "/trading/trades/{trade}" },
  { name: "backtest", path: "/backtests/{run}" },
  { name: "backtest-compare", path: "/backtests/compare?ids={run},{run2}" },
  { name: "login", path: "/login" },
  { name: "setup", path: "/setup" },
  { name: "not-found", path: "/nowhere" },
];

/** Ids of a demo that has a position, a trade and two runs. */
export async function findIds(daemon: Daemon): Promise<Record<string, string>> {
  const first = async (path: string, key: string): Promise<string[]> => {
    const { items } = await daemon.get<{ items: Record<string, string>[] }>(path);
    return items.map((item) => item[key] ?? "");
  };
  const [position = ""] = await first("/api/trading/positions", "position_id");
  const [trade = ""] = await first("/api/trading/trades?limit=1", "trade_id");
  const [run = "", run2 = ""] = await first("/api/backtests?limit=2", "run_id");
  return { position, trade, run, run2 };
}

export function addressOf(page: PageAddress, ids: Readonly<Record<string, string>>): string {
  return page.path.replace(/\{(\w+)\}/g, (_whole, word: string) => ids[word] ?? "");
}
