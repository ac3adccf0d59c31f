import { Check, Minus, X } from "lucide-react";
import type { Reason } from "../../api/types";
import { humanise } from "../../domain/format";
import { formatMeasure, formatNeed, gaugeOf } from "../../domain/measures";
import { decisionsText as t } from "../../texts/decisions";
import css from "./decisions.module.css";

function Mark({ reason }: { reason: Reason }) {
  if (reason.skipped) return <Minus size={14} className="text-3" aria-label={t("reason.skipped")} />;
  return reason.passed ? (
    <Check size={14} className="tone-up" aria-label={t("reason.passed")} />
  ) : (
    <X size={14} className="tone-down" aria-label={t("reason.failed")} />
  );
}

function GaugeBar({ reason }: { reason: Reason }) {
  if (reason.value === null || reason.threshold === null || reason.comparator === "none") return <span />;
  const gauge = gaugeOf(reason.value, reason.threshold);
  const from = Math.min(gauge.zero, gauge.value);
  return (
    <span className={css.gauge} aria-hidden title={gauge.isLog ? t("reason.log") : undefined}>
      <span
        className={reason.passed ? css.gaugePassed : css.gaugeFailed}
        style={{ insetInlineStart: `${from * 100}%`, width: `${Math.abs(gauge.value - gauge.zero) * 100}%` }}
      />
      <span className={css.gaugeMark} style={{ insetInlineStart: `${gauge.threshold * 100}%` }} />
    </span>
  );
}

function distanceText(reason: Reason): string {
  if (reason.distance === null || reason.skipped) return "";
  const distance = formatMeasure(Math.abs(reason.distance), reason.unit);
  return reason.distance >= 0 ? t("reason.distance", { distance }) : t("reason.missing", { distance });
}

/** Every test with pass or fail, value, threshold and distance. */
export function ReasonList({ reasons }: { reasons: readonly Reason[] }) {
  if (reasons.length === 0) return <p className="text-2 small">{t("reason.none")}</p>;
  return (
    <ul className={css.reasons}>
      {reasons.map((reason, index) => (
        <li key={`${reason.code}-${index}`} className={css.reason} title={reason.text}>
          <Mark reason={reason} />
          <span className={reason.skipped ? "text-3" : undefined}>{humanise(reason.code)}</span>
          <GaugeBar reason={reason} />
          <span className={reason.skipped ? "text-3" : undefined}>
            {reason.skipped
              ? t("reason.skipped")
              : reason.value === null
                ? (reason.detail ?? reason.text)
                : formatNeed(reason.value, reason.threshold, reason.unit, reason.comparator)}
          </span>
          <span className={`small ${reason.passed ? "text-3" : "tone-down"}`}>{distanceText(reason)}</span>
        </li>
      ))}
    </ul>
  );
}
