import { Button, Select, TextInput } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { pagesQuery, rowsOf } from "../../api/pages";
import type { Decision, Run } from "../../api/types";
import { formatFraction, formatNumber, formatUsd, humanise, shortSymbol, symbolSlug } from "../../domain/format";
import { useSearchState } from "../../hooks/use-search-state";
import { backtestsText as t } from "../../texts/backtests";
import { Badge } from "../../ui/badge";
import { BarChart } from "../../ui/bar-chart";
import { type Column, DataTable } from "../../ui/data-table";
import { Panel, type QueryLike } from "../../ui/panel";
import { Time } from "../../ui/time";
import { Count, Percent, Plain, RMultiple, Usd, Value } from "../../ui/value";
import css from "./backtests.module.css";
import type { RunResult } from "./queries";

type ResultQuery = QueryLike<RunResult>;
type Check = RunResult["checks"][number];
type Figures = NonNullable<RunResult["cost_sensitivity"]>[number]["result"];

const FRACTIONS = new Set(["total_return", "max_drawdown", "win_rate"]);

function checkText(name: string, value: number): string {
  return FRACTIONS.has(name) ? formatFraction(value, false, 1) : formatNumber(value, 2);
}

const checkColumns: Column<Check>[] = [
  { id: "name", header: t("checks.name"), cell: (row) => humanise(row.name), isTitle: true },
  {
    id: "value",
    header: t("checks.value"),
    align: "end",
    cell: (row) => <Value reason={t("compare.undefined")}>{row.value == null ? null : checkText(row.name, row.value)}</Value>,
  },
  {
    id: "limit",
    header: t("checks.limit"),
    align: "end",
    cell: (row) => `${row.comparator} ${checkText(row.name, row.threshold)}`,
  },
  {
    id: "verdict",
    header: t("checks.verdict"),
    cell: (row) => <Badge tone={row.passed ? "up" : "warn"}>{t(row.passed ? "checks.passed" : "checks.failed")}</Badge>,
  },
];

export function ChecksPanel({ query }: { query: ResultQuery }) {
  return (
    <Panel title={t("checks.title")} note={t("checks.note")} query={query} isFlush>
      {(result) => (
        <DataTable
          id="backtests.checks"
          label={t("checks.title")}
          rows={result.checks}
          columns={checkColumns}
          rowKey={(row) => row.name}
        />
      )}
    </Panel>
  );
}

interface FiguresRow {
  key: string;
  label: string;
  figures: Figures;
}

function figureColumns(first: string): Column<FiguresRow>[] {
  return [
    { id: "name", header: first, cell: (row) => row.label, isTitle: true },
    {
      id: "net",
      header: t("column.net"),
      align: "end",
      cell: (row) => <Usd value={row.figures.net_profit_usd} signed />,
    },
    {
      id: "return",
      header: t("column.return"),
      align: "end",
      cell: (row) => <Percent value={row.figures.total_return} of="fraction" signed />,
    },
    {
      id: "r",
      header: t("column.r"),
      align: "end",
      cell: (row) => <RMultiple value={row.figures.average_r} reason={t("value.noTrades")} />,
    },
    {
      id: "factor",
      header: t("column.factor"),
      align: "end",
      cell: (row) => <Plain value={row.figures.profit_factor} reason={t("value.noTrades")} />,
    },
    {
      id: "drawdown",
      header: t("column.drawdown"),
      align: "end",
      cell: (row) => <Percent value={row.figures.max_drawdown} of="fraction" />,
    },
    { id: "trades", header: t("column.trades"), align: "end", cell: (row) => <Count value={row.figures.total_trades} /> },
  ];
}

const costColumns = figureColumns(t("costs.factor"));
const boundColumns = figureColumns(t("bounds.path"));

/** What other fees and slippage would have made of it. */
export function CostPanel({ query }: { query: ResultQuery }) {
  return (
    <Panel
      title={t("costs.title")}
      query={query}
      isFlush
      empty={(result) => (result.cost_sensitivity == null ? { text: t("costs.none") } : null)}
    >
      {(result) => (
        <DataTable
          id="backtests.costs"
          label={t("costs.title")}
          rows={(result.cost_sensitivity ?? []).map((row) => ({
            key: String(row.factor),
            label: `${formatNumber(row.factor, 1)} ×`,
            figures: row.result,
          }))}
          columns={costColumns}
          rowKey={(row) => row.key}
        />
      )}
    </Panel>
  );
}

/** The result if the order inside a candle had always been the worse or the better one. */
export function BoundsPanel({ query }: { query: ResultQuery }) {
  return (
    <Panel
      title={t("bounds.title")}
      query={query}
      isFlush
      empty={(result) => (result.path_bounds == null ? { text: t("bounds.none") } : null)}
    >
      {(result) => {
        const bounds = result.path_bounds;
        if (bounds == null) return null;
        const { metrics } = result;
        const own: Figures = {
          net_profit_usd: metrics.net_profit_usd ?? null,
          total_return: metrics.total_return ?? null,
          average_r: metrics.average_r ?? null,
          max_drawdown: metrics.max_drawdown ?? null,
          profit_factor: metrics.profit_factor ?? null,
          total_trades: result.trades.length,
        };
        return (
          <>
            <p className={`${css.more} text-2`}>
              {t("bounds.hint", { share: formatFraction(metrics.path_dependent_share, false, 1) })}
            </p>
            <DataTable
              id="backtests.bounds"
              label={t("bounds.title")}
              rows={[
                { key: "adverse", label: t("bounds.adverse"), figures: bounds.adverse },
                { key: "run", label: t("bounds.asRun"), figures: own },
                { key: "favourable", label: t("bounds.favourable"), figures: bounds.favourable },
              ]}
              columns={boundColumns}
              rowKey={(row) => row.key}
            />
          </>
        );
      }}
    </Panel>
  );
}

const STEPS = ["scanned", "passed", "watching", "signalled", "sized", "entered"] as const;

export function FunnelPanel({ query }: { query: ResultQuery }) {
  return (
    <Panel title={t("funnel.title")} query={query} skeleton="chart">
      {({ funnel }) => (
        <BarChart
          form="rows"
          summary={t("funnel.summary", { scanned: funnel.scanned, entered: funnel.entered })}
          items={STEPS.map((step) => ({
            key: step,
            label: t(`funnel.${step}`),
            // Each stage is a small part of the one before: only orders of magnitude can be seen side by side.
            value: Math.log10(funnel[step] + 1),
            text: formatNumber(funnel[step], 0),
          }))}
        />
      )}
    </Panel>
  );
}

const decisionColumns: Column<Decision>[] = [
  { id: "ts", header: t("decisions.time"), cell: (row) => <Time at={row.ts} /> },
  {
    id: "symbol",
    header: t("decisions.symbol"),
    cell: (row) => (
      <Link to="/chart/$symbol" params={{ symbol: symbolSlug(row.symbol) }} search={{ at: row.ts } as never}>
        {shortSymbol(row.symbol)}
      </Link>
    ),
    isTitle: true,
  },
  { id: "stage", header: t("decisions.stage"), cell: (row) => humanise(row.stage) },
  {
    id: "verdict",
    header: t("decisions.verdict"),
    cell: (row) => <Badge tone={row.verdict === "passed" ? "up" : "neutral"}>{humanise(row.verdict)}</Badge>,
  },
  {
    id: "why",
    header: t("decisions.why"),
    cell: (row) => (
      <span className={css.sentence}>
        {row.reasons.find((reason) => !reason.passed && !reason.skipped)?.text ?? humanise(row.code)}
      </span>
    ),
  },
];

const STAGES = ["signal", "risk", "entry", "position"];
const VERDICTS = ["passed", "rejected", "deferred"];

/** Decisions of the run from the stage signal on. */
export function DecisionsPanel({ run }: { run: Run }) {
  const [search, setSearch] = useSearchState({ stage: "", verdict: "", symbol: "" });
  const query = useInfiniteQuery(pagesQuery<Decision>(`/api/backtests/${encodeURIComponent(run.run_id)}/decisions`, search));
  const select = (name: "stage" | "verdict", any: string, words: readonly string[]) => (
    <Select
      aria-label={t(`decisions.${name}`)}
      w={140}
      data={[{ value: "", label: any }, ...words.map((word) => ({ value: word, label: humanise(word) }))]}
      value={search[name]}
      onChange={(next) => setSearch({ [name]: next ?? "" })}
    />
  );
  return (
    <Panel title={t("decisions.title")} query={query} isFlush>
      <div className={css.filters}>
        {select("stage", t("decisions.anyStage"), STAGES)}
        {select("verdict", t("decisions.anyVerdict"), VERDICTS)}
        <TextInput
          aria-label={t("decisions.symbol")}
          placeholder={t("decisions.symbol")}
          w={130}
          value={search.symbol}
          onChange={(event) => setSearch({ symbol: event.currentTarget.value })}
        />
      </div>
      <DataTable
        id="backtests.decisions"
        label={t("decisions.title")}
        rows={rowsOf(query.data)}
        columns={decisionColumns}
        rowKey={(row) => row.decision_id}
        maxHeight={440}
        empty={t("decisions.empty")}
      />
      {query.hasNextPage && (
        <div className={css.more}>
          <Button variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            {t("decisions.older")}
          </Button>
        </div>
      )}
    </Panel>
  );
}

type LookaheadDifference = NonNullable<Run["lookahead"]>["differences"][number];

const lookaheadColumns: Column<LookaheadDifference>[] = [
  { id: "at", header: t("lookahead.at"), cell: (row) => <Time at={row.at} />, isTitle: true },
  { id: "form", header: t("lookahead.form"), cell: (row) => row.form },
  { id: "differing", header: t("lookahead.differing"), align: "end", cell: (row) => <Count value={row.differing} /> },
  { id: "whole", header: t("lookahead.whole"), cell: (row) => <span className={css.value}>{row.whole}</span> },
  {
    id: "shortened",
    header: t("lookahead.shortened"),
    cell: (row) => <span className={css.value}>{row.shortened}</span>,
  },
];

export function LookaheadPanel({ run }: { run: Run }) {
  const check = run.lookahead;
  if (check == null) return null;
  return (
    <Panel title={t("lookahead.title")}>
      <p className={check.passed ? "tone-up" : "tone-down"}>
        {check.passed ? t("lookahead.passed") : t("lookahead.failed", { n: check.differing })}
      </p>
      <p className="text-2">
        {t("lookahead.facts", {
          cuts: check.cuts,
          runs: check.runs,
          compared: formatNumber(check.compared, 0),
          records: formatNumber(check.records, 0),
        })}
      </p>
      {check.differences.length > 0 && (
        <DataTable
          id="backtests.lookahead"
          label={t("lookahead.title")}
          rows={check.differences}
          columns={lookaheadColumns}
          rowKey={(row) => `${row.at}${row.form}`}
        />
      )}
    </Panel>
  );
}

/** What a run began and ended with. */
export function accountText(result: RunResult): string {
  return t("run.accountValue", { start: formatUsd(result.account.start), end: formatUsd(result.account.end) });
}
