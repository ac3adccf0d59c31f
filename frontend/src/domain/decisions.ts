/** The ladder of stages and groups of decisions. */
export const stages = [
  "data",
  "universe",
  "filter",
  "rank",
  "signal",
  "validation",
  "quality",
  "risk",
  "execution",
  "position",
] as const;
type Stage = (typeof stages)[number];

interface ReasonLike {
  code: string;
  passed: boolean;
  skipped: boolean;
  value: number | null;
  threshold: number | null;
  distance: number | null;
  unit: string;
  comparator: string;
}
interface DecisionLike {
  ts: number;
  stage: string;
  verdict: string;
  code: string;
  reasons: readonly ReasonLike[];
}

/** The reason that a verdict rests on: the one of its code, else the first that failed, else the last. */
export function tellingReason<R extends { code: string; passed: boolean }>(decision: {
  code: string;
  reasons: readonly R[];
}): R | null {
  return (
    decision.reasons.find(({ code, passed }) => code === decision.code && !passed) ??
    decision.reasons.find(({ passed }) => !passed) ??
    decision.reasons.find(({ code }) => code === decision.code) ??
    decision.reasons.at(-1) ??
    null
  );
}

export interface Step<D> {
  stage: Stage;
  decision: D | null;
  /** none: not reached, or passed without a word. */
  verdict: "passed" | "failed" | "none";
}

/** Every stage in order with the newest decision about it. A decision older than one of an earlier stage tells of an earlier candle: the step keeps it, its time says so. */
export function ladderOf<D extends DecisionLike>(latest: readonly D[]): Step<D>[] {
  return stages.map((stage) => {
    const decision = latest
      .filter((each) => each.stage === stage)
      .reduce<D | null>((newest, each) => (newest === null || each.ts > newest.ts ? each : newest), null);
    return { stage, decision, verdict: decision === null ? "none" : decision.verdict === "passed" ? "passed" : "failed" };
  });
}

export interface CodeGroup {
  code: string;
  count: number;
  median_value: number | null;
  threshold: number | null;
  nearest_distance: number | null;
  unit: string;
}

/** Failures by reason, most frequent first, as the API's summary counts them; for lists that it does not cover (a backtest). */
export function groupByCode(
  decisions: readonly DecisionLike[],
  medianOf: (values: readonly number[]) => number | null,
): CodeGroup[] {
  const groups = new Map<string, ReasonLike[]>();
  for (const { reasons } of decisions)
    for (const reason of reasons) if (!reason.passed) groups.set(reason.code, [...(groups.get(reason.code) ?? []), reason]);
  return [...groups]
    .map(([code, reasons]) => {
      const distances = reasons.flatMap(({ distance }) => (distance === null ? [] : [distance]));
      return {
        code,
        count: reasons.length,
        median_value: medianOf(reasons.flatMap(({ value }) => (value === null ? [] : [value]))),
        threshold: reasons.find(({ threshold }) => threshold !== null)?.threshold ?? null,
        nearest_distance: distances.length > 0 ? Math.max(...distances) : null,
        unit: reasons[0]?.unit ?? "",
      };
    })
    .sort((a, b) => b.count - a.count || a.code.localeCompare(b.code));
}
