import { Button, SegmentedControl } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { api, unwrap } from "../../api/client";
import { engineQuery } from "../../api/queries";
import { start } from "../../commands/engine";
import { CommandButton } from "../../commands/host";
import { formatCount, formatUsd } from "../../domain/format";
import { dashboardText as t } from "../../texts/dashboard";
import { LineChart } from "../../ui/line-chart";
import { Panel } from "../../ui/panel";
import css from "./lists.module.css";

const RANGES = ["1d", "1w", "1m"] as const;
type Range = (typeof RANGES)[number];
const REFRESH_MS = 30_000;

function isRange(value: string): value is Range {
  return RANGES.includes(value as Range);
}

export function EquityCurve({ range, onRange }: { range: string; onRange: (range: string) => void }) {
  const chosen = isRange(range) ? range : "1d";
  const query = useQuery({
    queryKey: ["performance", "equity", chosen],
    queryFn: async () =>
      (await unwrap(api().GET("/api/performance/equity", { params: { query: { time_range: chosen } } }))).items,
    refetchInterval: REFRESH_MS,
  });
  const points = query.data ?? [];
  const values = points.map((point) => point.equity_usd);
  return (
    <Panel
      title={t("curve.title")}
      query={query}
      renewed={REFRESH_MS}
      skeleton="chart"
      className="c-4"
      minHeight={260}
      actions={
        <SegmentedControl
          aria-label={t("curve.range")}
          value={chosen}
          onChange={onRange}
          data={RANGES.map((value) => ({ value, label: t(`range.${value}`) }))}
        />
      }
      empty={(rows) => (rows.length > 1 ? null : { text: t("curve.none") })}
    >
      <LineChart
        label={t("curve.title")}
        summary={t("curve.summary", {
          range: t(`range.${chosen}`),
          first: formatUsd(values[0]),
          last: formatUsd(values.at(-1)),
          n: points.length,
        })}
        times={points.map((point) => point.ts)}
        series={[{ label: t("curve.equity"), values, tone: "accent", isArea: true }]}
        format={(value) => formatUsd(value)}
        height={230}
      />
    </Panel>
  );
}

const STEPS = ["scanned", "passed", "watching", "signalled", "sized", "entered"] as const;

export function Funnel() {
  const query = useQuery({
    queryKey: ["decisions", "summary", 60],
    queryFn: async () => unwrap(api().GET("/api/decisions/summary", { params: { query: { minutes: 60 } } })),
    refetchInterval: REFRESH_MS,
  });
  return (
    <Panel
      title={t("funnel.title")}
      query={query}
      renewed={REFRESH_MS}
      className="c-3"
      empty={(summary) => (summary.funnel.scanned > 0 ? null : { text: t("funnel.none") })}
    >
      {({ funnel }) => (
        <ol className={css.funnel}>
          {STEPS.map((step) => {
            const count = funnel[step];
            // Scans count thousands where entries count ones: the root keeps both in sight.
            const share = Math.sqrt(count / Math.max(1, funnel.scanned));
            return (
              <li key={step} className={css.step}>
                <span className={css.stepName}>{t(`funnel.${step}`)}</span>
                <span className={css.stepTrack} aria-hidden>
                  <span className={css.stepFill} style={{ display: "block", width: `${Math.min(1, share) * 100}%` }} />
                </span>
                <span className={css.stepCount}>{formatCount(count)}</span>
              </li>
            );
          })}
        </ol>
      )}
    </Panel>
  );
}

/** Before the first session: what to do, in three steps. */
export function FirstSteps() {
  const navigate = useNavigate();
  const { data: engine } = useQuery(engineQuery);
  if (!engine || engine.session_id !== null) return null;
  return (
    <Panel title={t("first.title")} className="c-12">
      <ol className={css.steps}>
        <li className={css.stepCard}>
          <span className={css.number}>1</span>
          <p className="text-2">{t("first.presetText")}</p>
          <Button variant="default" onClick={() => void navigate({ to: "/presets" })}>
            {t("first.preset")}
          </Button>
        </li>
        <li className={css.stepCard}>
          <span className={css.number}>2</span>
          <p className="text-2">{t("first.startText")}</p>
          <CommandButton command={start} args={{}} variant="filled" />
        </li>
        <li className={css.stepCard}>
          <span className={css.number}>3</span>
          <p className="text-2">{t("first.watchText")}</p>
          <Button variant="default" onClick={() => void navigate({ to: "/scanner" })}>
            {t("first.watch")}
          </Button>
        </li>
        {!engine.demo && (
          <li className={css.stepCard}>
            <strong>{t("first.demo")}</strong>
            <p className="text-2">{t("first.demoText")}</p>
          </li>
        )}
      </ol>
    </Panel>
  );
}
