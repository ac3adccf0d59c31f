/** What the pages compute of a position themselves; everything else is the engine's number. */
interface TargetLike {
  level_name: string;
  price: number;
  qty: number;
  size_pct: number | null;
  reward_multiple: number | null;
  state: "waiting" | "working" | "filled" | "cancelled";
  filled_qty: number;
}

export interface PositionLike {
  side: "long" | "short";
  qty: number;
  qty_initial: number;
  entry: number;
  stop: number;
  stop_initial: number;
  r_distance: number;
  r_usd: number;
  mark: number | null;
  targets: readonly TargetLike[];
}

/** +1 for a long, −1 for a short. */
export function signOf(side: "long" | "short"): number {
  return side === "long" ? 1 : -1;
}

/** What is lost if the whole quantity fills at `stop`, fees left out; negative: that much is won. */
export function riskAt(position: PositionLike, stop: number): number {
  return signOf(position.side) * (position.entry - stop) * position.qty;
}

/** The same in multiples of the risk of the trade; null before the risk is known. */
export function riskInR(position: PositionLike, stop: number): number | null {
  return position.r_usd > 0 ? riskAt(position, stop) / position.r_usd : null;
}

export type StopVerdict =
  | { kind: "unchanged" | "invalid" | "beyond-price" | "beyond-initial" }
  | { kind: "tighten" | "loosen"; riskUsd: number; riskChangeUsd: number };

/** What moving the stop to `price` means. The engine decides; this says it before it is asked. */
export function judgeStop(position: PositionLike, price: number | null): StopVerdict {
  if (price === null || !Number.isFinite(price) || price <= 0) return { kind: "invalid" };
  const sign = signOf(position.side);
  if (price === position.stop) return { kind: "unchanged" };
  if (position.mark !== null && sign * (position.mark - price) <= 0) return { kind: "beyond-price" };
  if (sign * (price - position.stop_initial) < 0) return { kind: "beyond-initial" };
  const riskUsd = riskAt(position, price);
  const kind = sign * (price - position.stop) > 0 ? "tighten" : "loosen";
  return { kind, riskUsd, riskChangeUsd: riskUsd - riskAt(position, position.stop) };
}

/** A place on the bar of a position, 0 at its losing end and 1 at its winning end whatever the side. */
export interface BarScale {
  low: number;
  high: number;
  at: (price: number) => number;
  /** The price at a place, for dragging. */
  price: (place: number) => number;
}

/** The scale of stop, entry, price and targets, with a little room at both ends. */
export function barScale(position: PositionLike): BarScale {
  const prices = [
    position.stop,
    position.stop_initial,
    position.entry,
    ...(position.mark === null ? [] : [position.mark]),
    ...position.targets.filter(({ state }) => state !== "cancelled").map(({ price }) => price),
  ];
  const lowest = Math.min(...prices);
  const highest = Math.max(...prices);
  const room = (highest - lowest || highest || 1) * 0.04;
  const [low, high] = position.side === "long" ? [lowest - room, highest + room] : [highest + room, lowest - room];
  return {
    low,
    high,
    at: (price) => Math.min(1, Math.max(0, (price - low) / (high - low))),
    price: (place) => low + Math.min(1, Math.max(0, place)) * (high - low),
  };
}

/* Rungs as they are edited. */
export interface Rung {
  level_name: string;
  price: number | null;
  /** Share of the initial quantity, 0 to 1. */
  size: number | null;
}

export const RUNGS_MAX = 6;

/** Rungs that can still be changed. */
export function editableRungs(position: PositionLike): Rung[] {
  return position.targets
    .filter(({ state }) => state === "waiting" || state === "working")
    .map(({ level_name, price, size_pct, qty }) => ({
      level_name,
      price,
      size: size_pct ?? (position.qty_initial > 0 ? qty / position.qty_initial : null),
    }));
}

/** Share of the initial quantity that targets have taken already. */
export function filledShare(position: PositionLike): number {
  if (position.qty_initial <= 0) return 0;
  return position.targets.reduce((sum, target) => sum + target.filled_qty, 0) / position.qty_initial;
}

type RungProblem = "no-name" | "name-twice" | "name-filled" | "no-price" | "wrong-side" | "no-size";
export interface LadderProblems {
  rungs: readonly (RungProblem | null)[];
  ladder: "too-many" | "too-large" | null;
}

const ROUNDING = 1e-9;

function rungProblem(position: PositionLike, rungs: readonly Rung[], index: number): RungProblem | null {
  const rung = rungs[index];
  if (!rung || rung.level_name.trim() === "") return "no-name";
  if (rungs.findIndex(({ level_name }) => level_name === rung.level_name) !== index) return "name-twice";
  if (position.targets.some((target) => target.level_name === rung.level_name && target.state === "filled")) return "name-filled";
  if (rung.price === null || rung.price <= 0) return "no-price";
  if (signOf(position.side) * (rung.price - (position.mark ?? position.entry)) <= 0) return "wrong-side";
  return rung.size === null || rung.size <= 0 || rung.size > 1 ? "no-size" : null;
}

/** What the engine would refuse: a rung on the wrong side of the price, sizes above what is there. */
export function checkLadder(position: PositionLike, rungs: readonly Rung[]): LadderProblems {
  const kept = new Set(rungs.map(({ level_name }) => level_name));
  // What a rung of the same name has filled is part of its size; other fills come on top.
  const gone = position.targets
    .filter(({ level_name }) => !kept.has(level_name))
    .reduce((sum, target) => sum + target.filled_qty, 0);
  const share = rungs.reduce((sum, { size }) => sum + (size ?? 0), position.qty_initial > 0 ? gone / position.qty_initial : 0);
  const ended = position.targets.filter(({ state }) => state === "filled").length;
  return {
    rungs: rungs.map((_, index) => rungProblem(position, rungs, index)),
    ladder: rungs.length + ended > RUNGS_MAX ? "too-many" : share > 1 + ROUNDING ? "too-large" : null,
  };
}

export function isSound(problems: LadderProblems): boolean {
  return problems.ladder === null && problems.rungs.every((problem) => problem === null);
}

/** Profit in USD if every rung fills at its price, fees left out; null while a rung is incomplete. */
export function ladderProfit(position: PositionLike, rungs: readonly Rung[]): number | null {
  let sum = 0;
  for (const { price, size } of rungs) {
    if (price === null || size === null) return null;
    sum += signOf(position.side) * (price - position.entry) * size * position.qty_initial;
  }
  return sum;
}

export function rewardOf(position: PositionLike, price: number | null): number | null {
  if (price === null || position.r_distance <= 0) return null;
  return (signOf(position.side) * (price - position.entry)) / position.r_distance;
}

/** Sums over open positions. A sum with an unknown part is unknown. */
export function totalsOf(
  positions: readonly {
    notional_usd: number | null;
    pnl_unrealised_usd: number | null;
    pnl_usd: number | null;
    pnl_r: number | null;
  }[],
): { notional: number | null; unrealised: number | null; pnl: number | null; r: number | null } {
  const sum = (values: readonly (number | null)[]): number | null =>
    values.reduce<number | null>((total, value) => (total === null || value === null ? null : total + value), 0);
  return {
    notional: sum(positions.map(({ notional_usd }) => notional_usd)),
    unrealised: sum(positions.map(({ pnl_unrealised_usd }) => pnl_unrealised_usd)),
    pnl: sum(positions.map(({ pnl_usd }) => pnl_usd)),
    r: sum(positions.map(({ pnl_r }) => pnl_r)),
  };
}
