import type { EngineStatus, Position } from "../api/types";

/** A running paper session, as the daemon tells it; tests change what they are about. */
export function engineStatus(patch: Partial<EngineStatus> = {}): EngineStatus {
  return {
    state: "scanning",
    previous_state: "initializing",
    session_state: "running",
    since_at: 1747003080000,
    session_id: "S000001",
    preset: "breakout_v1",
    preset_hash: "7a3a79b2",
    mode: "paper",
    venue: "paper",
    feed: "demo",
    started_at: 1747002960000,
    slots_total: 3,
    slots_used: 0,
    open_positions: 0,
    working_orders: 0,
    candidates: 1,
    daily_r: 0,
    day_pnl_usd: 0,
    equity_usd: 100000,
    consecutive_losses: 0,
    last_scan_at: 1747003080000,
    next_scan_at: 1747003200000,
    is_terminal: false,
    is_error: false,
    is_trading_active: true,
    latch: null,
    ts: 1747003080000,
    demo: false,
    notice: null,
    speed: 1,
    profile: "development",
    uptime_s: 10,
    skipped_filters: [],
    next_states: [],
    allowed_commands: ["stop", "pause", "time_stop", "panic_exit", "kill_switch", "emergency_stop", "reload", "scan_now"],
    ...patch,
  } as EngineStatus;
}

export function position(patch: Partial<Position> = {}): Position {
  return {
    position_id: "P00000001",
    symbol: "SOL/USDT:USDT",
    side: "long",
    state: "running",
    qty: 342.62,
    pnl_usd: -165.77,
    pnl_r: -0.47,
    pnl_unrealised_usd: -160,
    ...patch,
  } as Position;
}
