/** Every page of the product, by the address that the navigation gives it. Details need an id of the running demo. */
export interface PageAddress {
  name: string;
  path: string;
}

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
  { name: "audit", path: "/audit" },
];
