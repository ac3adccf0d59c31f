import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { keys } from "../../api/keys";
import { engineQuery, riskQuery } from "../../api/queries";
import type { EngineStatus, EquityPoint, RiskSummary } from "../../api/types";
import { pause, resume, scanNow, start, stopKeep } from "../../commands/engine";
import { CommandButton } from "../../commands/host";
import { stateTone } from "../../domain/engine";
import { formatUsd, humanise } from "../../domain/format";
import { dashboardText as t } from "../../texts/dashboard";
import { Badge } from "../../ui/badge";
import { LimitBar } from "../../ui/bar";
import { Panel } from "../../ui/panel";
import { Sparkline } from "../../ui/sparkline";
import { Duration, TimeAgo, useEngineNow } from "../../ui/time";
import { Percent, Plain, RMultiple, Usd, Value } from "../../ui/value";
import css from "./cards.module.css";

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className={css.fact}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** The buttons that make sense in the state: start, or pause and stop, or resume and stop. */
function EngineButtons({ engine }: { engine: EngineStatus }) {
  const state = engine.session_state;
  if (state === "idle" || state === "stopped") return <CommandButton command={start} args={{}} variant="filled" />;
  return (
    <>
      {state === "paused" ? (
        <CommandButton command={resume} args={undefined} variant="filled" />
      ) : (
        <CommandButton command={pause} args={undefined} />
      )}
      <CommandButton command={scanNow} args={undefined} />
      <CommandButton command={stopKeep} args={undefined} />
    </>
  );
}

function SessionAge({ startedAt }: { startedAt: number | null }) {
  const now = useEngineNow();
  return <Duration ms={startedAt === null ? null : Math.max(0, now - startedAt)} reason={t("engine.noSession")} />;
}

function EngineCardBody({ engine }: { engine: EngineStatus }) {
  return (
    <div className={css.card}>
      <div className="row">
        <Badge tone={stateTone(engine.session_state)} dot>
          {humanise(engine.state)}
        </Badge>
        <span className="small text-3">{engine.session_id !== null && t("engine.session", { id: engine.session_id })}</span>
      </div>
      <dl className={css.facts}>
        <Fact name={t("engine.preset")}>
          <Value>{engine.preset}</Value>
        </Fact>
        <Fact name={t("engine.age")}>
          <SessionAge startedAt={engine.started_at} />
        </Fact>
        <Fact name={t("engine.nextScan")}>
          <TimeAgo at={engine.next_scan_at} reason={t("engine.noSession")} />
        </Fact>
      </dl>
      <div className={css.buttons}>
        <EngineButtons engine={engine} />
      </div>
    </div>
  );
}

export function EngineCard() {
  const query = useQuery(engineQuery);
  return (
    <Panel
      title={t("engine.title")}
      query={query}
      renewed="feed"
      className="c-4"
      skeleton="tile"
      actions={<Link to="/engine">{t("engine.open")}</Link>}
    >
      {(engine) => <EngineCardBody engine={engine} />}
    </Panel>
  );
}

const SPARK_POINTS = 240;

function EquitySpark() {
  // Written by the feed alone: one point a second while it changes.
  const { data } = useQuery<EquityPoint[]>({ queryKey: keys.equity, queryFn: () => [], enabled: false });
  const values = (data ?? []).slice(-SPARK_POINTS).map((point) => point.equity_usd);
  if (values.length < 3) return <p className="small text-3">{t("equity.waiting")}</p>;
  return (
    <Sparkline
      values={values}
      summary={t("equity.spark", { first: formatUsd(values[0]), last: formatUsd(values.at(-1)) })}
      height={30}
    />
  );
}

function Figure({ children }: { children: ReactNode }) {
  return <p className={css.figure}>{children}</p>;
}

function EquityBody({ risk }: { risk: RiskSummary }) {
  return (
    <div className={css.card}>
      <Figure>
        <Usd value={risk.equity_usd} />
      </Figure>
      <div className={css.grow}>
        <EquitySpark />
      </div>
      <dl className={css.facts}>
        <Fact name={t("equity.free")}>
          <Usd value={risk.margin_free_usd} />
        </Fact>
      </dl>
    </div>
  );
}

function Limit({ name, used }: { name: string; used: number | null | undefined }) {
  return (
    <div className={css.limit}>
      <div className={css.limitHead}>
        <span>{name}</span>
        <Percent value={used} of="fraction" digits={0} reason={t("risk.noLimit")} />
      </div>
      <LimitBar name={name} used={used} />
    </div>
  );
}

function DayBody({ risk }: { risk: RiskSummary }) {
  return (
    <div className={css.card}>
      <Figure>
        <Usd value={risk.day_pnl_usd} signed arrow />
      </Figure>
      <div className="row">
        <RMultiple value={risk.daily_r} />
        <Percent value={risk.day_pnl_pct} of="percent" signed />
      </div>
      <div className={css.grow} />
      <Limit name={t("day.limit")} used={risk.day_loss_used} />
    </div>
  );
}

function DrawdownBody({ risk }: { risk: RiskSummary }) {
  return (
    <div className={css.card}>
      <Figure>
        <Percent value={risk.drawdown} of="fraction" />
      </Figure>
      <p className="small text-2">{t("drawdown.peak", { usd: formatUsd(risk.high_water_mark_usd) })}</p>
      <div className={css.grow} />
      <Limit name={t("drawdown.limit")} used={risk.kill_limit_used} />
    </div>
  );
}

function RiskBody({ risk }: { risk: RiskSummary }) {
  const share = risk.equity_usd > 0 ? risk.open_risk_usd / risk.equity_usd : null;
  return (
    <div className={css.card}>
      <Figure>
        <Usd value={risk.open_risk_usd} />
      </Figure>
      <p className="small text-2">
        <Percent value={share} of="fraction" /> {t("risk.ofEquity")}
      </p>
      <div className={css.grow} />
      <dl className={css.facts}>
        <Fact name={t("risk.slots")}>{t("risk.slotsOf", { used: risk.slots_used, total: risk.max_positions })}</Fact>
        <Fact name={t("risk.losses")}>
          {risk.max_consecutive_losses == null ? (
            <Plain value={risk.consecutive_losses} digits={0} />
          ) : (
            t("risk.lossesOf", { n: risk.consecutive_losses, max: risk.max_consecutive_losses })
          )}
        </Fact>
      </dl>
    </div>
  );
}

export function RiskCards() {
  const query = useQuery(riskQuery);
  const shared = { query, renewed: "feed", skeleton: "tile", className: "c-2 half" } as const;
  return (
    <>
      <Panel title={t("equity.title")} {...shared}>
        {(risk) => <EquityBody risk={risk} />}
      </Panel>
      <Panel title={t("day.title")} {...shared}>
        {(risk) => <DayBody risk={risk} />}
      </Panel>
      <Panel title={t("drawdown.title")} {...shared}>
        {(risk) => <DrawdownBody risk={risk} />}
      </Panel>
      <Panel title={t("risk.title")} {...shared}>
        {(risk) => <RiskBody risk={risk} />}
      </Panel>
    </>
  );
}
