/** Distance of a candidate to where it may trade. */
interface LevelLike {
  level_id: string;
  state: string;
  price: number;
  level_type: string;
  distance_bps?: number | null;
}

const ACTIVE = new Set(["formed", "tested", "broken", "retested"]);

/** The active level nearest to the price, or null. */
export function nearestLevel<L extends LevelLike>(levels: readonly L[]): L | null {
  let nearest: L | null = null;
  for (const level of levels) {
    if (!ACTIVE.has(level.state) || level.distance_bps == null) continue;
    if (nearest?.distance_bps == null || Math.abs(level.distance_bps) < Math.abs(nearest.distance_bps)) nearest = level;
  }
  return nearest;
}

/** Candidates in the order of their rank; unranked ones last. */
export function byRank<C extends { rank?: number | null }>(candidates: readonly C[]): C[] {
  return [...candidates].sort((a, b) => (a.rank ?? Number.MAX_SAFE_INTEGER) - (b.rank ?? Number.MAX_SAFE_INTEGER));
}

/** A decision in a sentence: the first reason that failed, else the last one. */
export function sentenceOf(decision: { reasons: readonly { passed: boolean; text: string }[]; code: string }): string {
  const telling = decision.reasons.find((reason) => !reason.passed) ?? decision.reasons.at(-1);
  return telling?.text ?? decision.code.replaceAll("_", " ");
}

/** Stages after the filters: what a trader wants to hear about. */
const LATE = new Set(["signal", "validation", "quality", "risk", "execution", "position"]);
export function isBeyondFilters(decision: { stage: string }): boolean {
  return LATE.has(decision.stage);
}
