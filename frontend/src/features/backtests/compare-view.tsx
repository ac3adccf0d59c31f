import { Button, SegmentedControl } from "@mantine/core";
import { useQueries, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { formatDay, formatDuration, formatNumber, formatUsd, humanise } from "../../domain/format";
import { formatMeasure } from "../../domain/measures";
import { idsOf, normalise, paramText } from "../../domain/runs";
import { useSearchState } from "../../hooks/use-search-state";
import { backtestsText as t } from "../../texts/backtests";
import { type Column, DataTable } from "../../ui/data-table";
import { LineChart, type LineSeries } from "../../ui/line-chart";
import { EmptyNote, Panel } from "../../ui/panel";
import { Value } from "../../ui/value";
import css from "./backtests.module.css";
import { comparisonQuery, equityQuery, type RunComparison } from "./queries";

type Figure = RunComparison["metrics"][number];
type Parameter = RunComparison["differences"][number];

const MAIN = [
  "total_trades",
  "net_profit_usd",
  "total_return",
  "win_rate",
  "average_r",
  "profit_factor",
  "sqn",
  "sharpe",
  "max_drawdown",
  "calmar",
  "exposure",
  "fees_usd",
  "slippage_usd",
  "path_dependent_share",
];
const TONES: readonly NonNullable<LineSeries["tone"]>[] = ["accent", "up", "warn", "down", "text-3"];

function figureText(value: number, unit: string, name: string): string {
  if (unit === "ms") return name.endsWith("_at") ? formatDay(value) : formatDuration(value);
  if (unit === "count") return formatNumber(value, 0);
  if (unit === "USD") return formatUsd(value);
  if (unit === "ratio") return formatNumber(value);
  return formatMeasure(value, unit);
}

function runColumns<Row extends { values: readonly unknown[] }>(
  data: RunComparison,
  cell: (row: Row, value: unknown) => React.ReactNode,
  align: "end" | "start",
): Column<Row>[] {
  return data.runs.map((run, index) => ({
    id: run.run_id,
    header: `${run.run_id} ${run.preset ?? ""}`,
    align,
    cell: (row: Row) => cell(row, row.values[index]),
  }));
}

function FiguresPanel({ data }: { data: RunComparison }) {
  const [{ figures }, setSearch] = useSearchState({ figures: "main" });
  const rows = data.metrics.filter(({ name }) => figures === "all" || MAIN.includes(name));
  const columns: Column<Figure>[] = [
    { id: "name", header: t("compare.figure"), cell: (row) => humanise(row.name), isTitle: true },
    ...runColumns<Figure>(
      data,
      (row, value) => (
        <Value reason={t("compare.undefined")}>{typeof value === "number" ? figureText(value, row.unit, row.name) : null}</Value>
      ),
      "end",
    ),
  ];
  return (
    <Panel
      title={t("compare.figures")}
      isFlush
      actions={
        <SegmentedControl
          aria-label={t("compare.figures")}
          data={[
            { value: "main", label: t("compare.main") },
            { value: "all", label: t("compare.all") },
          ]}
          value={figures === "all" ? "all" : "main"}
          onChange={(next) => setSearch({ figures: next })}
        />
      }
    >
      <DataTable
        id="backtests.compare.figures"
        label={t("compare.figures")}
        rows={rows}
        columns={columns}
        rowKey={(row) => row.name}
        maxHeight={520}
      />
    </Panel>
  );
}

function KeysPanel({ data }: { data: RunComparison }) {
  const columns: Column<Parameter>[] = [
    {
      id: "key",
      header: t("compare.key"),
      cell: (row) => <span className="mono small">{row.key}</span>,
      isTitle: true,
    },
    ...runColumns<Parameter>(
      data,
      (row, value) => (
        <Value reason={t("compare.notSet")}>
          {value == null ? null : <span className={css.value}>{paramText(row.key, value)}</span>}
        </Value>
      ),
      "start",
    ),
  ];
  return (
    <Panel title={t("compare.keys")} isFlush={data.differences.length > 0}>
      {data.differences.length === 0 ? (
        <p className="text-2">{t("compare.same")}</p>
      ) : (
        <DataTable
          id="backtests.compare.keys"
          label={t("compare.keys")}
          rows={data.differences}
          columns={columns}
          rowKey={(row) => row.key}
          maxHeight={520}
        />
      )}
    </Panel>
  );
}

function EquityPanel({ data }: { data: RunComparison }) {
  const queries = useQueries({ queries: data.runs.map((run) => equityQuery(run.run_id)) });
  const loaded = queries.map((query) => query.data);
  const stamp = queries.map((query) => query.dataUpdatedAt).join(",");
  const drawing = useMemo(
    () =>
      normalise(
        loaded.map((points) => ({
          times: (points ?? []).map((point) => point.ts),
          values: (points ?? []).map((point) => point.equity_usd),
        })),
      ),
    // The points change when their queries are answered.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [stamp],
  );
  const series = useMemo(
    () =>
      drawing.values.map((values, index) => ({
        label: data.runs[index]?.run_id ?? "",
        values,
        tone: TONES[index % TONES.length] ?? ("accent" as const),
        isDashed: index >= TONES.length,
      })),
    [drawing, data.runs],
  );
  const text = series
    .map(
      ({ label, values }) =>
        `${label} ${formatNumber(
          values.findLast((value) => value !== null),
          1,
        )}`,
    )
    .join(", ");
  const first = queries.find((query) => query.data === undefined) ?? queries[0];
  return (
    <Panel
      title={t("compare.equity")}
      query={first}
      skeleton="chart"
      empty={() => (drawing.times.length < 2 ? { text: t("compare.equityEmpty") } : null)}
    >
      <LineChart
        label={t("compare.equity")}
        summary={t("compare.equitySummary", { n: data.runs.length, text })}
        times={drawing.times}
        series={series}
        format={(value) => formatNumber(value, 1)}
        height={260}
      />
    </Panel>
  );
}

/** Two to six runs side by side. */
export function CompareView() {
  const [search] = useSearchState({ ids: "" });
  const ids = idsOf(search.ids);
  const query = useQuery(comparisonQuery(ids));
  if (ids.length < 2)
    return (
      <Panel title={t("compare.title")}>
        <EmptyNote
          text={t("compare.none")}
          action={
            <Button component={Link} to="/backtests" variant="default">
              {t("back.label")}
            </Button>
          }
        />
      </Panel>
    );
  if (!query.data)
    return (
      <Panel title={t("compare.title")} query={query}>
        {null}
      </Panel>
    );
  return (
    <div className="stack">
      <EquityPanel data={query.data} />
      <FiguresPanel data={query.data} />
      <KeysPanel data={query.data} />
    </div>
  );
}
