import { Button, Select } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Columns3, Plus } from "lucide-react";
import { useState } from "react";
import { keys } from "../../api/keys";
import { useFeedTopics } from "../../api/live";
import { runsQuery } from "../../api/queries";
import type { Run } from "../../api/types";
import { CommandButton } from "../../commands/host";
import { cancelRun, deleteRun } from "../../commands/runs";
import { useSearchState } from "../../hooks/use-search-state";
import { backtestsText as t } from "../../texts/backtests";
import { Badge } from "../../ui/badge";
import { type Column, DataTable } from "../../ui/data-table";
import { Panel } from "../../ui/panel";
import { Time } from "../../ui/time";
import { Count, Percent, Plain, RMultiple, Usd, Value } from "../../ui/value";
import { WhyButton } from "../../ui/why-button";
import { CheckLabel, isGoingOn, RunStatus } from "./parts";

const STATUSES = ["queued", "running", "done", "failed", "cancelled"] as const;
const COMPARED_MAX = 6;

function whyUnknown(run: Run): string {
  if (run.kind === "lookahead") return t("value.lookahead");
  return t(run.status === "done" ? "value.noTrades" : "value.notDone");
}

const figures: Column<Run>[] = [
  {
    id: "trades",
    header: t("column.trades"),
    align: "end",
    cell: (run) => <Count value={run.summary?.total_trades} reason={whyUnknown(run)} />,
    sort: (run) => run.summary?.total_trades,
  },
  {
    id: "net",
    header: t("column.net"),
    align: "end",
    cell: (run) => <Usd value={run.summary?.net_profit_usd} signed reason={whyUnknown(run)} />,
    sort: (run) => run.summary?.net_profit_usd,
  },
  {
    id: "return",
    header: t("column.return"),
    align: "end",
    cell: (run) => <Percent value={run.summary?.total_return} of="fraction" signed reason={whyUnknown(run)} />,
    sort: (run) => run.summary?.total_return,
    isHiddenByDefault: true,
  },
  {
    id: "r",
    header: t("column.r"),
    align: "end",
    cell: (run) => <RMultiple value={run.summary?.average_r} reason={whyUnknown(run)} />,
    sort: (run) => run.summary?.average_r,
  },
  {
    id: "factor",
    header: t("column.factor"),
    align: "end",
    cell: (run) => <Plain value={run.summary?.profit_factor} reason={whyUnknown(run)} />,
    sort: (run) => run.summary?.profit_factor,
  },
  {
    id: "drawdown",
    header: t("column.drawdown"),
    align: "end",
    cell: (run) => <Percent value={run.summary?.max_drawdown} of="fraction" reason={whyUnknown(run)} />,
    sort: (run) => run.summary?.max_drawdown,
  },
  {
    id: "sharpe",
    header: t("column.sharpe"),
    align: "end",
    cell: (run) => <Plain value={run.summary?.sharpe} reason={whyUnknown(run)} />,
    sort: (run) => run.summary?.sharpe,
    isHiddenByDefault: true,
  },
];

function makeColumns(onDeleted: () => void): Column<Run>[] {
  return [
    {
      id: "run",
      header: t("column.run"),
      cell: (run) => (
        <span className="row-tight">
          <strong>{run.run_id}</strong>
          {run.kind !== "backtest" && <Badge>{t(`kind.${run.kind}`)}</Badge>}
        </span>
      ),
      sort: (run) => run.run_id,
      isTitle: true,
    },
    {
      id: "status",
      header: t("column.status"),
      cell: (run) => <RunStatus run={run} />,
      sort: (run) => run.status,
    },
    {
      id: "preset",
      header: t("column.preset"),
      cell: (run) => <Value reason={t("value.noPreset")}>{run.preset ?? null}</Value>,
      sort: (run) => run.preset,
    },
    { id: "dataset", header: t("column.dataset"), cell: (run) => run.dataset_id, sort: (run) => run.dataset_id },
    {
      id: "created",
      header: t("column.created"),
      cell: (run) => <Time at={run.created_at} />,
      sort: (run) => run.created_at,
    },
    ...figures,
    {
      id: "label",
      header: t("column.label"),
      cell: (run) => (
        <Value reason={whyUnknown(run)}>{run.summary?.label == null ? null : <CheckLabel label={run.summary.label} />}</Value>
      ),
      sort: (run) => run.summary?.label,
    },
    {
      id: "digest",
      header: t("column.digest"),
      cell: (run) => (
        <Value reason={t("value.notDone")}>
          {run.digest == null ? null : (
            <span className="mono small" title={run.digest}>
              {run.digest.slice(0, 8)}
            </span>
          )}
        </Value>
      ),
      sort: (run) => run.digest,
    },
    {
      id: "by",
      header: t("column.by"),
      cell: (run) => <Value reason={t("value.noUser")}>{run.created_by ?? null}</Value>,
      sort: (run) => run.created_by,
      isHiddenByDefault: true,
    },
    {
      id: "actions",
      header: t("column.actions"),
      cell: (run) => (
        // The row opens the run; its buttons do not.
        // eslint-disable-next-line jsx-a11y/no-static-element-interactions, jsx-a11y/click-events-have-key-events
        <span className="row-tight" onClick={(event) => event.stopPropagation()}>
          {isGoingOn(run) ? (
            <CommandButton command={cancelRun} args={{ run }} variant="subtle" hasIcon={false} />
          ) : (
            <CommandButton command={deleteRun} args={{ run, onDone: onDeleted }} variant="subtle" hasIcon={false} />
          )}
        </span>
      ),
    },
  ];
}

/** Every backtest with its figures; those that go on move by the feed. */
export function RunList() {
  useFeedTopics(["backtests"]);
  const query = useQuery(runsQuery);
  const client = useQueryClient();
  const navigate = useNavigate();
  const [search, setSearch] = useSearchState({ status: "", preset: "", sort: "", filter: "" });
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const columns = makeColumns(() => void client.invalidateQueries({ queryKey: keys.runs }));
  const all = (query.data ?? []).filter((run) => run.kind !== "import");
  const rows = all.filter(
    (run) => (search.status === "" || run.status === search.status) && (search.preset === "" || run.preset === search.preset),
  );
  const compared = rows.filter((run) => selected.has(run.run_id) && run.status === "done" && run.kind === "backtest");
  const mayCompare = compared.length >= 2 && compared.length <= COMPARED_MAX;
  const presets = [...new Set(all.flatMap((run) => run.preset ?? []))].sort();
  const startButton = (
    <Button component={Link} to="/backtests/new" leftSection={<Plus size={14} aria-hidden />}>
      {t("new.label")}
    </Button>
  );
  return (
    <Panel
      title={t("list.title")}
      query={query}
      renewed="feed"
      isFlush
      note={query.data && t("list.note", { n: all.length })}
      empty={() => (all.length === 0 ? { text: t("list.empty"), action: startButton } : null)}
      actions={startButton}
    >
      <DataTable
        id="backtests.runs"
        label={t("list.title")}
        rows={rows}
        columns={columns}
        rowKey={(run) => run.run_id}
        rowLabel={(run) => run.run_id}
        onOpen={(run) => void navigate({ to: "/backtests/$id", params: { id: run.run_id } })}
        sort={search.sort}
        onSort={(sort) => setSearch({ sort })}
        filter={search.filter}
        onFilter={(filter) => setSearch({ filter })}
        hasFilter
        hasColumnChoice
        isPrimary
        selected={selected}
        onSelect={setSelected}
        empty={t("list.noMatch")}
        tools={
          <div className="row">
            <Select
              aria-label={t("filter.status")}
              w={130}
              data={[
                { value: "", label: t("filter.anyStatus") },
                ...STATUSES.map((status) => ({ value: status, label: t(`status.${status}`) })),
              ]}
              value={search.status}
              onChange={(status) => setSearch({ status: status ?? "" })}
            />
            <Select
              aria-label={t("filter.preset")}
              w={170}
              data={[{ value: "", label: t("filter.anyPreset") }, ...presets]}
              value={search.preset}
              onChange={(preset) => setSearch({ preset: preset ?? "" })}
            />
            <WhyButton
              variant="default"
              why={mayCompare ? null : t("compare.why")}
              leftSection={<Columns3 size={14} aria-hidden />}
              onClick={() =>
                void navigate({
                  to: "/backtests/compare",
                  search: { ids: compared.map((run) => run.run_id).join(",") } as never,
                })
              }
            >
              {t("compare.label", { n: compared.length })}
            </WhyButton>
          </div>
        }
      />
    </Panel>
  );
}
