import { useQuery } from "@tanstack/react-query";
import { useFeedTopics } from "../../api/live";
import { positionsQuery, riskQuery } from "../../api/queries";
import type { RiskSummary } from "../../api/types";
import { formatDuration, formatFraction } from "../../domain/format";
import { totalsOf } from "../../domain/position";
import { positionsText as t } from "../../texts/positions";
import { Fact } from "../../ui/fact";
import { Panel } from "../../ui/panel";
import { RMultiple, Usd } from "../../ui/value";
import css from "./positions.module.css";

const buckets = [
  { name: "high", tone: "var(--down)" },
  { name: "medium", tone: "var(--warn)" },
  { name: "low", tone: "var(--up)" },
  { name: "unknown", tone: "var(--line-strong)" },
] as const;

function Correlation({ shares }: { shares: RiskSummary["correlation"] }) {
  const isNone = buckets.every(({ name }) => shares[name] === 0);
  return (
    <div>
      <span className="small text-3">{t("summary.correlation")}</span>
      {isNone ? (
        <p className="text-2">{t("summary.none")}</p>
      ) : (
        <>
          <div className={css.buckets} aria-hidden>
            {buckets.map(({ name, tone }) => (
              <div key={name} style={{ width: `${shares[name] * 100}%`, background: tone }} />
            ))}
          </div>
          <ul className={css.bucketLegend}>
            {buckets.map(({ name, tone }) => (
              <li key={name}>
                <span className={css.swatch} style={{ background: tone }} aria-hidden />
                {t(`bucket.${name}`)} {formatFraction(shares[name], false, 0)}
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}

/** Risk, size and result of everything that is open. */
export function PositionsSummary() {
  useFeedTopics(["risk"]);
  const query = useQuery(riskQuery);
  const { data: positions } = useQuery(positionsQuery);
  const totals = positions ? totalsOf(positions) : null;
  return (
    <Panel title={t("summary.title")} query={query} renewed="feed" skeleton="tile">
      {(risk) => (
        <div className="stack">
          <dl className={css.summary}>
            <Fact name={t("summary.risk")} hint={t("summary.riskHint")}>
              <Usd value={risk.open_risk_usd} />
            </Fact>
            <Fact name={t("summary.notional")}>
              <Usd value={totals?.notional} reason={t("unknown.notional")} />
            </Fact>
            <Fact name={t("summary.unrealised")}>
              <Usd value={totals?.unrealised} signed reason={t("unknown.result")} />
            </Fact>
            <Fact name={t("summary.pnl")}>
              <Usd value={totals?.pnl} signed reason={t("unknown.result")} />
            </Fact>
            <Fact name={t("summary.r")}>
              <RMultiple value={totals?.r} reason={t("unknown.r")} />
            </Fact>
            <Fact name={t("summary.slots")}>{t("summary.slotsOf", { used: risk.slots_used, total: risk.max_positions })}</Fact>
            <Fact name={t("summary.unprotected")}>{formatDuration(risk.unprotected_seconds * 1000)}</Fact>
          </dl>
          <Correlation shares={risk.correlation} />
        </div>
      )}
    </Panel>
  );
}
