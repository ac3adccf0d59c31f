import { Button, Modal, Select, TextInput } from "@mantine/core";
import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { apiUrl } from "../../api/client";
import { useFeedMessages, useFeedTopics } from "../../api/live";
import { runsQuery } from "../../api/queries";
import type { Decision } from "../../api/types";
import { sentenceOf } from "../../domain/candidates";
import { stages, tellingReason } from "../../domain/decisions";
import { formatCount, humanise, shortSymbol, symbolSlug } from "../../domain/format";
import { formatMeasure, formatNeed } from "../../domain/measures";
import { decisionsText as t } from "../../texts/decisions";
import { symbolColumn } from "../../ui/columns";
import { type Column, DataTable } from "../../ui/data-table";
import { Panel } from "../../ui/panel";
import { Time } from "../../ui/time";
import { Value } from "../../ui/value";
import css from "./decisions.module.css";
import { ChartLink, VerdictBadge } from "./parts";
import { type DecisionFilters, decisionListKey, decisionListQuery, decisionWords } from "./queries";
import { ReasonList } from "./reasons";

const VERDICTS = ["passed", "rejected", "refused", "skipped"] as const;

function needOf(row: Decision): string | null {
  const reason = tellingReason(row);
  return reason === null || reason.value === null
    ? null
    : formatNeed(reason.value, reason.threshold, reason.unit, reason.comparator);
}

const columns: readonly Column<Decision>[] = [
  { id: "ts", header: t("column.time"), cell: (row) => <Time at={row.ts} />, sort: (row) => row.ts },
  symbolColumn(t("column.symbol")),
  { id: "stage", header: t("column.stage"), cell: (row) => t(`stage.${row.stage}`), sort: (row) => stages.indexOf(row.stage) },
  {
    id: "verdict",
    header: t("column.verdict"),
    cell: (row) => <VerdictBadge verdict={row.verdict} />,
    sort: (row) => row.verdict,
  },
  { id: "code", header: t("column.code"), cell: (row) => humanise(row.code), sort: (row) => row.code },
  {
    id: "need",
    header: t("column.need"),
    cell: (row) => <Value reason={t("unknown.need")}>{needOf(row)}</Value>,
    align: "end",
  },
  {
    id: "distance",
    header: t("column.distance"),
    cell: (row) => {
      const reason = tellingReason(row);
      return (
        <Value reason={t("unknown.distance")}>
          {reason === null || reason.distance === null ? null : formatMeasure(reason.distance, reason.unit)}
        </Value>
      );
    },
    sort: (row) => tellingReason(row)?.distance,
    align: "end",
  },
  {
    id: "strategy",
    header: t("column.strategy"),
    cell: (row) => <Value reason={t("unknown.strategy")}>{row.strategy}</Value>,
    sort: (row) => row.strategy,
    isHiddenByDefault: true,
  },
  {
    id: "side",
    header: t("column.side"),
    cell: (row) => <Value reason={t("unknown.strategy")}>{row.side}</Value>,
    sort: (row) => row.side,
    isHiddenByDefault: true,
  },
  {
    id: "text",
    header: t("column.text"),
    cell: (row) => (
      <span className={css.cell} title={sentenceOf(row)}>
        {sentenceOf(row)}
      </span>
    ),
  },
  {
    id: "chart",
    header: t("column.chart"),
    cell: (row) => (
      // Keeps a click on the link from opening the row.
      // eslint-disable-next-line jsx-a11y/no-static-element-interactions, jsx-a11y/click-events-have-key-events
      <span onClick={(event) => event.stopPropagation()}>
        <ChartLink decision={row} />
      </span>
    ),
  },
];

/** How many decisions that match have come since the list was loaded. */
function useFresh(filters: DecisionFilters): [number, () => void] {
  const [count, setCount] = useState(0);
  useFeedTopics(["decisions"]);
  useFeedMessages(["DECISION"], ({ data }) => {
    const isMatch =
      filters.run_id === "" &&
      filters.to === "" &&
      (["stage", "verdict", "code", "trace_id"] as const).every((name) => filters[name] === "" || data[name] === filters[name]) &&
      (filters.symbol === "" || symbolSlug(String(data["symbol"])) === symbolSlug(filters.symbol));
    if (isMatch) setCount((before) => before + 1);
  });
  return [count, () => setCount(0)];
}

interface ListFilters {
  symbol: string;
  stage: string;
  verdict: string;
  code: string;
  trace: string;
  run: string;
  from: string;
  to: string;
}

function Filters({
  search,
  onSearch,
  codes,
}: {
  search: ListFilters;
  onSearch: (patch: Partial<ListFilters>) => void;
  codes: readonly string[];
}) {
  const { data: runs } = useQuery(runsQuery);
  const sources = [
    { value: "", label: t("filter.live") },
    ...(runs ?? [])
      .filter((run) => run.kind === "backtest" && run.status === "done")
      .map((run) => ({ value: run.run_id, label: t("filter.run", { id: run.run_id, preset: run.preset ?? "" }) })),
  ];
  if (search.run !== "" && !sources.some(({ value }) => value === search.run))
    sources.push({ value: search.run, label: t("filter.run", { id: search.run, preset: "" }) });
  const choice = (label: string, any: string, name: "stage" | "verdict" | "code", data: { value: string; label: string }[]) => (
    <Select
      aria-label={label}
      placeholder={any}
      data={data}
      value={search[name] === "" ? null : search[name]}
      onChange={(next) => onSearch({ [name]: next ?? "" })}
      clearable
      searchable={data.length > 10}
      w={150}
    />
  );
  const known = [...new Set([...codes, ...(search.code === "" ? [] : [search.code])])].sort();
  return (
    <>
      <Select
        aria-label={t("filter.source")}
        data={sources}
        value={search.run}
        onChange={(run) => onSearch({ run: run ?? "" })}
        allowDeselect={false}
        w={200}
      />
      {choice(
        t("filter.stage"),
        t("filter.anyStage"),
        "stage",
        stages.map((value) => ({ value, label: t(`stage.${value}`) })),
      )}
      {choice(
        t("filter.verdict"),
        t("filter.anyVerdict"),
        "verdict",
        VERDICTS.map((value) => ({ value, label: value })),
      )}
      {choice(
        t("filter.code"),
        t("filter.anyCode"),
        "code",
        known.map((value) => ({ value, label: humanise(value) })),
      )}
      {(["from", "to"] as const).map((name) => (
        <TextInput
          key={name}
          type="datetime-local"
          aria-label={t(`filter.${name}`)}
          title={t(`filter.${name}`)}
          value={search[name]}
          onChange={(event) => onSearch({ [name]: event.currentTarget.value })}
        />
      ))}
      {search.trace !== "" && (
        <span className="row-tight small">
          {t("filter.trace", { trace: search.trace })}
          <Button size="compact-sm" variant="subtle" onClick={() => onSearch({ trace: "" })}>
            {t("filter.anyTrace")}
          </Button>
        </span>
      )}
    </>
  );
}

function Detail({
  decision,
  onClose,
  onTrace,
}: {
  decision: Decision | undefined;
  onClose: () => void;
  onTrace: (trace: string) => void;
}) {
  return (
    <Modal
      opened={decision !== undefined}
      onClose={onClose}
      size="xl"
      title={decision ? t("detail.title", { symbol: shortSymbol(decision.symbol), stage: t(`stage.${decision.stage}`) }) : ""}
      closeButtonProps={{ "aria-label": t("detail.close") }}
    >
      {decision && (
        <div className="stack">
          <div className="row">
            <VerdictBadge verdict={decision.verdict} />
            <strong>{humanise(decision.code)}</strong>
            <Time at={decision.ts} />
            <span className="text-3">
              {t("detail.candle")} <Time at={decision.candle_ts} reason={t("detail.noCandle")} />
            </span>
            <ChartLink decision={decision} />
            {decision.trace_id !== null && (
              <Button size="compact-sm" variant="default" onClick={() => onTrace(decision.trace_id ?? "")}>
                {t("detail.trace")}
              </Button>
            )}
          </div>
          <ReasonList reasons={decision.reasons} />
        </div>
      )}
    </Modal>
  );
}

function toFilters(search: ListFilters): DecisionFilters {
  return {
    symbol: search.symbol,
    stage: search.stage,
    verdict: search.verdict,
    code: search.code,
    trace_id: search.trace,
    run_id: search.run,
    from: search.from,
    to: search.to,
  };
}

/** The decisions that match the address, page by page; new ones are counted and shown when asked for, so that no row moves by itself. */
export function DecisionsView({
  search,
  onSearch,
}: {
  search: ListFilters & { sort: string; decision: string };
  onSearch: (patch: Partial<ListFilters & { sort: string; decision: string }>) => void;
}) {
  const client = useQueryClient();
  const filters = toFilters(search);
  const query = useInfiniteQuery(decisionListQuery(filters));
  const [fresh, clearFresh] = useFresh(filters);
  const rows = query.data?.pages.flatMap((page) => page.items);
  const names = ["symbol", "stage", "verdict", "code", "trace", "run", "from", "to"] as const;
  const isFiltered = names.some((name) => search[name] !== "");
  const words = { ...decisionWords(filters), limit: 1000 };
  const show = (): void => {
    clearFresh();
    void client.resetQueries({ queryKey: decisionListKey(filters) });
  };
  return (
    <>
      <Panel
        title={t("list.title")}
        note={rows ? formatCount(rows.length) : undefined}
        query={{
          data: rows,
          error: query.error,
          isPending: query.isPending,
          dataUpdatedAt: query.dataUpdatedAt,
          refetch: query.refetch,
        }}
        isFlush
        actions={
          <>
            {fresh > 0 && (
              <Button size="compact-sm" variant="light" onClick={show}>
                {t("list.fresh", { n: fresh })}
              </Button>
            )}
            <span className="row small">
              <span className="text-3">{t("list.export")}</span>
              <a href={apiUrl("/api/decisions", { ...words, format: "csv" })} download="decisions.csv">
                {t("list.csv")}
              </a>
              <a href={apiUrl("/api/decisions", words)} download="decisions.json">
                {t("list.json")}
              </a>
            </span>
          </>
        }
        empty={(data) =>
          data.length > 0 || isFiltered ? null : { text: t("list.none"), action: <Link to="/scanner">{t("list.scanner")}</Link> }
        }
      >
        {(data) => (
          <>
            <DataTable
              id="decisions.list"
              label={t("list.title")}
              rows={data}
              columns={columns}
              rowKey={(row) => row.decision_id}
              rowLabel={(row) => `${shortSymbol(row.symbol)} ${row.stage}`}
              sort={search.sort}
              onSort={(sort) => onSearch({ sort })}
              onOpen={(row) => onSearch({ decision: row.decision_id })}
              activeKey={search.decision}
              hasColumnChoice
              isPrimary
              maxHeight={560}
              tools={<Filters search={search} onSearch={onSearch} codes={data.map((row) => row.code)} />}
              empty={
                <>
                  {t("list.noMatch")}{" "}
                  <Button variant="subtle" onClick={() => onSearch(Object.fromEntries(names.map((name) => [name, ""])))}>
                    {t("list.clear")}
                  </Button>
                </>
              }
            />
            {query.hasNextPage && (
              <div className={css.more}>
                <Button variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
                  {t("list.more")}
                </Button>
              </div>
            )}
          </>
        )}
      </Panel>
      <Detail
        decision={rows?.find((row) => row.decision_id === search.decision)}
        onClose={() => onSearch({ decision: "" })}
        onTrace={(trace) => onSearch({ trace, decision: "" })}
      />
    </>
  );
}

/** The decisions of the list above, for the groups of a backtest. */
export function useLoadedDecisions(search: ListFilters): readonly Decision[] {
  const query = useInfiniteQuery(decisionListQuery(toFilters(search)));
  return query.data?.pages.flatMap((page) => page.items) ?? [];
}
