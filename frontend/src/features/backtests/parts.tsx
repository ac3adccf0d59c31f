import type { Run } from "../../api/types";
import { formatDuration, formatFraction, type Tone } from "../../domain/format";
import { backtestsText as t } from "../../texts/backtests";
import { Badge } from "../../ui/badge";
import css from "./backtests.module.css";

export function isGoingOn(run: Pick<Run, "status">): boolean {
  return run.status === "queued" || run.status === "running";
}

const TONES: Record<Run["status"], Tone> = {
  queued: "neutral",
  running: "accent",
  done: "up",
  failed: "down",
  cancelled: "warn",
};

export function ProgressBar({ run }: { run: Pick<Run, "run_id" | "progress"> }) {
  return (
    <div
      className={css.track}
      role="progressbar"
      aria-label={run.run_id}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(run.progress * 100)}
    >
      <div className={css.fill} style={{ width: `${run.progress * 100}%` }} />
    </div>
  );
}

export function RunStatus({ run }: { run: Run }) {
  if (run.status === "running")
    return (
      <span className={css.progress}>
        <ProgressBar run={run} />
        <span className="small nowrap">
          {formatFraction(run.progress, false, 0)}
          {run.eta_s != null && ` · ${formatDuration(run.eta_s * 1000)}`}
        </span>
      </span>
    );
  return (
    <Badge tone={TONES[run.status]} title={run.error?.message}>
      {t(`status.${run.status}`)}
    </Badge>
  );
}

const LABEL_TONES: Record<string, Tone> = { strong: "up", passing: "info", weak: "warn" };

export function CheckLabel({ label }: { label: string }) {
  const known = label === "strong" || label === "passing" || label === "weak";
  return <Badge tone={LABEL_TONES[label] ?? "neutral"}>{known ? t(`label.${label}`) : label}</Badge>;
}
