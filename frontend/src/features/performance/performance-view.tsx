import { Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import {
  formatBps,
  formatCount,
  formatDateTime,
  formatFraction,
  formatNumber,
  formatR,
  formatUsd,
  humanise,
} from "../../domain/format";
import { costsOf, rollingAverageR } from "../../domain/trade-figures";
import { performanceText as t } from "../../texts/performance";
import { BarChart } from "../../ui/bar-chart";
import { CalendarChart } from "../../ui/calendar-chart";
import { type Column, DataTable } from "../../ui/data-table";
import { LineChart, type LineSeries } from "../../ui/line-chart";
import { Panel } from "../../ui/panel";
import { ScatterChart } from "../../ui/scatter-chart";
import { Duration, Time } from "../../ui/time";
import { Percent, Usd } from "../../ui/value";
import { FigureTiles, FigureValue } from "./figures";
import css from "./performance.module.css";
import {
  binsQuery,
  breakdownQuery,
  type Drawdown,
  drawdownsQuery,
  type EquityPoint,
  equityQuery,
  metricsQuery,
  type Performance,
  type Scope,
  tradesQuery,
} from "./queries";

const ROLLING = 30;

/* The compared curve at the times of the first: its newest value at or before each of them, moved to the same start. */
function aligned(points: readonly EquityPoint[], other: readonly EquityPoint[]): (number | null)[] {
  const start = points[0];
  const otherStart = other[0];
  if (!start || !otherStart) return points.map(() => null);
  let at = 0;
  return points.map((point) => {
    const elapsed = point.ts - start.ts;
    while (at + 1 < other.length && (other[at + 1]?.ts ?? Infinity) - otherStart.ts <= elapsed) at++;
    return (other[at]?.equity_usd ?? 0) * (start.equity_usd / otherStart.equity_usd);
  });
}

function EquityPanel({ scope, compared }: { scope: Scope; compared: Scope | undefined }) {
  const query = useQuery(equityQuery(scope));
  const { data: other } = useQuery({ ...equityQuery(compared ?? scope), enabled: compared !== undefined });
  const points = query.data;
  const drawing = useMemo(() => {
    const rows = points ?? [];
    const equity: LineSeries[] = [{ label: t("equity.equity"), tone: "accent", values: rows.map((row) => row.equity_usd) }];
    if (other && compared)
      equity.push({ label: t("equity.compare"), tone: "text-3", values: aligned(rows, other), isDashed: true });
    const drawdown: LineSeries[] = [
      {
        label: t("equity.drawdown"),
        tone: "down",
        values: rows.map((row) => (row.drawdown == null ? null : -row.drawdown)),
        isArea: true,
      },
    ];
    return { times: rows.map((row) => row.ts), equity, drawdown };
  }, [points, other, compared]);
  return (
    <Panel
      title={t("equity.title")}
      query={query}
      skeleton="chart"
      minHeight={380}
      empty={(rows) => (rows.length < 2 ? { text: t("equity.empty") } : null)}
    >
      {(rows) => {
        const summary = t("equity.summary", {
          from: formatDateTime(rows[0]?.ts, { seconds: false }),
          to: formatDateTime(rows.at(-1)?.ts, { seconds: false }),
          start: formatUsd(rows[0]?.equity_usd),
          end: formatUsd(rows.at(-1)?.equity_usd),
          depth: formatFraction(Math.max(0, ...rows.map((row) => row.drawdown ?? 0))),
        });
        return (
          <>
            <LineChart
              label={t("equity.equity")}
              summary={summary}
              times={drawing.times}
              series={drawing.equity}
              format={formatUsd}
              height={230}
            />
            <LineChart
              label={t("equity.drawdown")}
              summary={summary}
              times={drawing.times}
              series={drawing.drawdown}
              format={formatFraction}
              height={120}
            />
          </>
        );
      }}
    </Panel>
  );
}

function BinsPanel({ scope }: { scope: Scope }) {
  const query = useQuery(binsQuery(scope));
  return (
    <Panel
      title={t("r.title")}
      query={query}
      skeleton="chart"
      empty={(rows) => (rows.length === 0 ? { text: t("empty.text") } : null)}
    >
      {(rows) => (
        <BarChart
          summary={t("r.summary", { n: rows.reduce((sum, row) => sum + row.count, 0) })}
          items={rows.map((row) => ({
            key: String(row.r),
            label: formatNumber(row.r, 2),
            value: row.count,
            text: t("r.count", { n: row.count }),
          }))}
        />
      )}
    </Panel>
  );
}

function CalendarPanel({ scope }: { scope: Scope }) {
  const query = useQuery(breakdownQuery(scope, "day"));
  return (
    <Panel
      title={t("calendar.title")}
      query={query}
      skeleton="chart"
      empty={(rows) => (rows.length === 0 ? { text: t("empty.text") } : null)}
    >
      {(rows) => (
        <CalendarChart
          summary={t("calendar.summary", { n: rows.length, wins: rows.filter((row) => row.pnl_usd > 0).length })}
          days={rows.map((row) => ({
            day: row.key,
            value: row.pnl_usd,
            text: t("by.row", { pnl: formatUsd(row.pnl_usd, true), trades: row.trades, r: formatR(row.pnl_r) }),
          }))}
        />
      )}
    </Panel>
  );
}

const groups = ["symbol", "exit_reason", "hour", "weekday", "strategy", "side", "level_source"] as const;
type Group = (typeof groups)[number];

function BreakdownPanel({ scope, hasLevels }: { scope: Scope; hasLevels: boolean }) {
  const [by, setBy] = useState<Group>("symbol");
  const query = useQuery(breakdownQuery(scope, by));
  return (
    <Panel
      title={t("by.title")}
      query={query}
      actions={
        <Select
          aria-label={t("by.title")}
          data={groups
            .filter((group) => hasLevels || group !== "level_source")
            .map((group) => ({ value: group, label: t(`by.${group}`) }))}
          value={by}
          onChange={(next) => {
            if (next !== null) setBy(next);
          }}
          allowDeselect={false}
          w={150}
        />
      }
      empty={(rows) => (rows.length === 0 ? { text: t("empty.text") } : null)}
    >
      {(rows) => (
        <BarChart
          form="rows"
          summary={t("by.summary", { by: t(`by.${by}`), n: rows.length })}
          items={rows.map((row) => ({
            key: row.key,
            label: humanise(row.key),
            value: row.pnl_usd,
            text: t("by.row", { pnl: formatUsd(row.pnl_usd, true), trades: row.trades, r: formatR(row.pnl_r) }),
          }))}
        />
      )}
    </Panel>
  );
}

function TradePanels({ scope }: { scope: Scope }) {
  const query = useQuery(tradesQuery(scope));
  const rolling = useMemo(() => rollingAverageR(query.data ?? [], ROLLING), [query.data]);
  const series = useMemo(
    (): LineSeries[] => [{ label: t("rolling.title"), tone: "accent", values: rolling.map(({ value }) => value) }],
    [rolling],
  );
  const times = useMemo(() => rolling.map(({ ts }) => ts), [rolling]);
  const none = (rows: readonly unknown[]) => (rows.length === 0 ? { text: t("empty.text") } : null);
  return (
    <>
      <div className="c-4">
        <Panel title={t("excursion.title")} query={query} skeleton="chart" empty={none}>
          {(rows) => (
            <ScatterChart
              summary={t("excursion.summary", { n: rows.length })}
              xName={t("excursion.mae")}
              yName={t("excursion.mfe")}
              format={(value) => formatNumber(value)}
              points={rows.flatMap((row) =>
                row.mae_r == null || row.mfe_r == null
                  ? []
                  : [
                      {
                        key: row.trade_id,
                        x: row.mae_r,
                        y: row.mfe_r,
                        tone: row.pnl_usd >= 0 ? ("up" as const) : ("down" as const),
                        label: `${row.symbol} ${formatR(row.pnl_r)}`,
                      },
                    ],
              )}
            />
          )}
        </Panel>
      </div>
      <div className="c-4">
        <Panel
          title={t("rolling.title")}
          query={query}
          skeleton="chart"
          empty={(rows) => (rows.length < ROLLING ? { text: t("rolling.empty", { n: rows.length }) } : null)}
        >
          <LineChart
            label={t("rolling.title")}
            summary={t("rolling.summary", { last: formatR(rolling.at(-1)?.value) })}
            times={times}
            series={series}
            format={formatR}
            height={220}
          />
        </Panel>
      </div>
      <div className="c-4">
        <Panel title={t("costs.title")} query={query} skeleton="tile" empty={none}>
          {(rows) => {
            const costs = costsOf(rows);
            return (
              <dl className={css.facts}>
                <dt>{t("costs.fees")}</dt>
                <dd>
                  <Usd value={costs.fees} />
                </dd>
                <dt>{t("costs.funding")}</dt>
                <dd>
                  <Usd value={costs.funding} signed />
                </dd>
                <dt>{t("costs.share")}</dt>
                <dd>
                  <Percent value={costs.feeShare} of="fraction" />
                </dd>
                <dt>{t("costs.slippageIn")}</dt>
                <dd>{formatBps(costs.slippageIn)}</dd>
                <dt>{t("costs.slippageOut")}</dt>
                <dd>{formatBps(costs.slippageOut)}</dd>
              </dl>
            );
          }}
        </Panel>
      </div>
    </>
  );
}

const drawdownColumns: Column<Drawdown>[] = [
  { id: "peak", header: t("drawdowns.peak"), cell: (row) => <Time at={row.peak_at} />, sort: (row) => row.peak_at },
  {
    id: "depth",
    header: t("drawdowns.depth"),
    align: "end",
    cell: (row) => <Percent value={-row.depth} of="fraction" signed />,
    sort: (row) => row.depth,
  },
  {
    id: "usd",
    header: t("drawdowns.depthUsd"),
    align: "end",
    cell: (row) => <Usd value={-row.depth_usd} signed />,
    sort: (row) => row.depth_usd,
  },
  { id: "trough", header: t("drawdowns.trough"), cell: (row) => <Time at={row.trough_at} />, sort: (row) => row.trough_at },
  {
    id: "recovered",
    header: t("drawdowns.recovered"),
    cell: (row) => <Time at={row.recovered_at} reason={t("drawdowns.notYet")} />,
    sort: (row) => row.recovered_at,
  },
  {
    id: "length",
    header: t("drawdowns.length"),
    align: "end",
    cell: (row) => <Duration ms={row.length_ms} />,
    sort: (row) => row.length_ms,
  },
];

function DrawdownPanel({ scope }: { scope: Scope }) {
  const query = useQuery(drawdownsQuery(scope));
  return (
    <Panel
      title={t("drawdowns.title")}
      query={query}
      isFlush
      empty={(rows) => (rows.length === 0 ? { text: t("drawdowns.empty") } : null)}
    >
      {(rows) => (
        <DataTable
          id="performance.drawdowns"
          label={t("drawdowns.title")}
          rows={rows}
          columns={drawdownColumns}
          rowKey={(row) => String(row.peak_at)}
          hasFilter={false}
          hasColumnChoice={false}
        />
      )}
    </Panel>
  );
}

interface FigureRow {
  name: string;
  figure: Performance["metrics"][string];
}
const figureColumns: Column<FigureRow>[] = [
  { id: "name", header: t("all.name"), cell: ({ name }) => humanise(name), sort: ({ name }) => name },
  {
    id: "value",
    header: t("all.value"),
    align: "end",
    cell: ({ name, figure }) => <FigureValue name={name} figure={figure} />,
    sort: ({ figure }) => figure.value,
  },
  {
    id: "meaning",
    header: t("all.meaning"),
    cell: ({ figure }) => <span className="text-2">{figure.text}</span>,
    text: ({ figure }) => figure.text,
  },
];

/** Everything about the result of a scope of trades: of sessions, or of one backtest. */
export function PerformanceView({ scope, compared }: { scope: Scope; compared?: Scope | undefined }) {
  const query = useQuery(metricsQuery(scope));
  const { data: other } = useQuery({ ...metricsQuery(compared ?? scope), enabled: compared !== undefined });
  return (
    <div className="grid">
      <div className="c-12">
        <Panel title={t("tiles.title")} query={query} skeleton="tile" note={query.data && t("tiles.note", { n: query.data.n })}>
          {(data) => <FigureTiles data={data} compared={compared ? other : undefined} />}
        </Panel>
      </div>
      <div className="c-8">
        <EquityPanel scope={scope} compared={compared} />
      </div>
      <div className="c-4 stack">
        <BinsPanel scope={scope} />
        <CalendarPanel scope={scope} />
      </div>
      <TradePanels scope={scope} />
      <div className="c-6">
        <BreakdownPanel scope={scope} hasLevels={scope.run_id === undefined} />
      </div>
      <div className="c-6">
        <DrawdownPanel scope={scope} />
      </div>
      <div className="c-12">
        <Panel title={t("all.title")} query={query} isFlush>
          {(data) => (
            <DataTable
              id="performance.figures"
              label={t("all.title")}
              rows={Object.entries(data.metrics).map(([name, figure]): FigureRow => ({ name, figure }))}
              columns={figureColumns}
              rowKey={({ name }) => name}
              maxHeight={480}
              tools={<span className="text-3">{formatCount(data.n)}</span>}
            />
          )}
        </Panel>
      </div>
    </div>
  );
}
