import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { ScanSearch } from "lucide-react";
import { hasRole, useRole } from "../../api/session";
import type { ScanResult } from "../../api/types";
import { formatBps, formatDateTime, formatNumber, humanise, symbolSlug } from "../../domain/format";
import { toApiError } from "../../domain/problem";
import { presetsText as t } from "../../texts/presets";
import { Badge } from "../../ui/badge";
import { BarChart } from "../../ui/bar-chart";
import { symbolColumn } from "../../ui/columns";
import { type Column, DataTable } from "../../ui/data-table";
import { ErrorNote, Panel, Skeleton } from "../../ui/panel";
import { Value } from "../../ui/value";
import { type DryScan, dryScanQuery } from "./queries";

function failedFilters(row: ScanResult): string[] {
  return Object.entries(row.filters)
    .filter(([, filter]) => !filter.passed && !filter.skipped)
    .map(([name]) => humanise(name));
}

const columns: Column<ScanResult>[] = [
  symbolColumn(t("dry.symbol")),
  {
    id: "score",
    header: t("dry.score"),
    align: "end",
    cell: (row) => formatNumber(row.score),
    sort: (row) => row.score,
  },
  {
    id: "passed",
    header: t("dry.passed"),
    cell: (row) => <Badge tone={row.passed ? "up" : "neutral"}>{t(row.passed ? "dry.yes" : "dry.no")}</Badge>,
    sort: (row) => row.passed,
  },
  {
    id: "fails",
    header: t("dry.fails"),
    cell: (row) => <span className="text-2">{failedFilters(row).join(", ")}</span>,
    sort: (row) => failedFilters(row).length,
    text: (row) => failedFilters(row).join(" "),
  },
  {
    id: "level",
    header: t("dry.level"),
    align: "end",
    cell: (row) => (
      <Value reason={t("dry.noLevel")}>{row.nearest_level_bps == null ? null : formatBps(row.nearest_level_bps)}</Value>
    ),
    sort: (row) => row.nearest_level_bps,
  },
];

function Result({ scan }: { scan: DryScan }) {
  const navigate = useNavigate();
  const failed = Object.entries(scan.failed_by_filter).sort((a, b) => b[1] - a[1]);
  return (
    <div className="stack">
      <p>
        {t("dry.result", { passed: scan.passed_filters, n: scan.scanned, time: formatDateTime(scan.ts, { seconds: false }) })}
      </p>
      {scan.skipped_filters.length > 0 && (
        <p className="text-3">{t("dry.skipped", { filters: scan.skipped_filters.map(humanise).join(", ") })}</p>
      )}
      <h3 className="small text-2">{t("dry.failed")}</h3>
      {failed.length === 0 ? (
        <p className="text-2">{t("dry.noFail")}</p>
      ) : (
        <BarChart
          form="rows"
          summary={t("dry.failedSummary")}
          items={failed.map(([name, count]) => ({ key: name, label: humanise(name), value: -count, text: String(count) }))}
        />
      )}
      <DataTable
        id="presets.dry"
        label={t("tab.dry")}
        rows={scan.items}
        columns={columns}
        rowKey={(row) => row.symbol}
        onOpen={(row) => void navigate({ to: "/chart/$symbol", params: { symbol: symbolSlug(row.symbol) } })}
        maxHeight={420}
      />
    </div>
  );
}

/** The present market through the filters of the stored preset: what would pass, what refuses the rest. */
export function DryScanPanel({ name, isUnsaved }: { name: string; isUnsaved: boolean }) {
  const role = useRole();
  const query = useQuery(dryScanQuery(name));
  const isAllowed = hasRole(role, "operator");
  return (
    <Panel
      title={t("tab.dry")}
      actions={
        <Button
          variant="default"
          leftSection={<ScanSearch size={14} aria-hidden />}
          loading={query.isFetching}
          disabled={!isAllowed}
          title={isAllowed ? undefined : t("why.role", { role: "operator" })}
          onClick={() => void query.refetch()}
        >
          {t("dry.run")}
        </Button>
      }
    >
      <div className="stack">
        <p className="text-2">{t("dry.hint")}</p>
        {isUnsaved && <p className="tone-warn">{t("dry.unsaved")}</p>}
        {query.error !== null && !query.isFetching && <ErrorNote name={t("tab.dry")} error={toApiError(query.error)} />}
        {query.data === undefined && query.isFetching && <Skeleton shape="rows" name={t("tab.dry")} />}
        {query.data === undefined && !query.isFetching && query.error === null && <p className="text-3">{t("dry.none")}</p>}
        {query.data && <Result scan={query.data} />}
      </div>
    </Panel>
  );
}
