import { SegmentedControl } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { scanQuery } from "../../api/queries";
import type { Decision, ScanSnapshot } from "../../api/types";
import { type CodeGroup, groupByCode } from "../../domain/decisions";
import { formatCount, humanise } from "../../domain/format";
import { formatMeasure } from "../../domain/measures";
import { median } from "../../domain/scan";
import { decisionsText as t } from "../../texts/decisions";
import { BarChart } from "../../ui/bar-chart";
import { type Column, DataTable } from "../../ui/data-table";
import { Panel } from "../../ui/panel";
import { Count, Value } from "../../ui/value";
import css from "./decisions.module.css";
import { summaryQuery } from "./queries";

const SPANS = ["60", "240", "1440"] as const;

function columns(total: number): Column<CodeGroup>[] {
  const measure = (value: number | null, row: CodeGroup) => (
    <Value reason={t("unknown.code")}>{value === null ? null : formatMeasure(value, row.unit)}</Value>
  );
  return [
    {
      id: "code",
      header: t("groups.code"),
      cell: (row) => <strong>{humanise(row.code)}</strong>,
      sort: (row) => row.code,
      isTitle: true,
    },
    {
      id: "count",
      header: t("groups.count"),
      cell: (row) => <Count value={row.count} />,
      sort: (row) => row.count,
      align: "end",
    },
    {
      id: "share",
      header: t("groups.share"),
      cell: (row) => (
        <span className={css.shareTrack} aria-hidden>
          <span className={css.share} style={{ width: `${total > 0 ? (row.count / total) * 100 : 0}%` }} />
        </span>
      ),
      isNotInCard: true,
    },
    {
      id: "median",
      header: t("groups.median"),
      cell: (row) => measure(row.median_value, row),
      sort: (row) => row.median_value,
      align: "end",
    },
    {
      id: "threshold",
      header: t("groups.threshold"),
      cell: (row) => measure(row.threshold, row),
      sort: (row) => row.threshold,
      align: "end",
    },
    {
      id: "nearest",
      header: t("groups.nearest"),
      cell: (row) => measure(row.nearest_distance, row),
      sort: (row) => row.nearest_distance,
      align: "end",
    },
  ];
}

/** Units are those of the last scan and of the reasons loaded; the API's summary leaves them out. */
function unitsOf(decisions: readonly Decision[], scan: ScanSnapshot | null | undefined): Map<string, string> {
  const ofFilters = (scan?.items ?? []).flatMap(({ filters }) => Object.values(filters));
  const reasons = [...ofFilters, ...decisions.flatMap((decision) => decision.reasons)];
  return new Map(reasons.map(({ code, unit }) => [code, unit] as const));
}

interface GroupsProps {
  span: string;
  onSpan: (span: string) => void;
  onCode: (code: string) => void;
  /** Decisions loaded in the list: the only source for a backtest, and of units. */
  loaded: readonly Decision[];
  isRun: boolean;
}

/** Rejections by reason, and how many symbols reach each stage. */
export function Groups({ span, onSpan, onCode, loaded, isRun }: GroupsProps) {
  const minutes = SPANS.find((each) => each === span) ?? "60";
  const { data: scan } = useQuery(scanQuery);
  const query = useQuery({ ...summaryQuery(Number(minutes)), enabled: !isRun });
  const units = unitsOf(loaded, scan);
  const ofRun = isRun ? groupByCode(loaded, median) : null;
  const groups: CodeGroup[] | undefined =
    ofRun ??
    query.data?.by_code.map((row) => ({
      code: row.code,
      count: row.count,
      median_value: row.median_value ?? null,
      threshold: row.threshold ?? null,
      nearest_distance: row.nearest_distance ?? null,
      unit: units.get(row.code) ?? "",
    }));
  const total = (groups ?? []).reduce((max, { count }) => Math.max(max, count), 0);
  const control = (
    <SegmentedControl
      aria-label={t("span.label")}
      value={minutes}
      onChange={onSpan}
      data={SPANS.map((value) => ({ value, label: t(`span.${value}`) }))}
    />
  );
  return (
    <>
      <Panel
        title={t("groups.title")}
        note={isRun ? t("groups.noteRun", { n: loaded.length }) : t("groups.note", { minutes })}
        actions={isRun ? undefined : control}
        query={{
          data: groups,
          error: isRun ? null : query.error,
          isPending: query.isPending,
          dataUpdatedAt: query.dataUpdatedAt,
          refetch: query.refetch,
        }}
        isFlush
        empty={(rows) => (rows.length > 0 ? null : { text: isRun ? t("groups.noneRun") : t("groups.none") })}
      >
        {(rows) => (
          <DataTable
            id="decisions.groups"
            label={t("groups.title")}
            rows={rows}
            columns={columns(total)}
            rowKey={(row) => row.code}
            defaultSort="-count"
            onOpen={(row) => onCode(row.code)}
            maxHeight={420}
          />
        )}
      </Panel>
      <Panel title={t("funnel.title")} query={isRun ? undefined : query}>
        {isRun
          ? t("funnel.run")
          : (summary) => {
              const steps = (["scanned", "passed", "watching", "signalled", "sized", "entered"] as const).map((name) => ({
                key: name,
                label: t(`funnel.${name}`),
                value: summary.funnel[name],
                text: formatCount(summary.funnel[name]),
              }));
              return (
                <BarChart
                  form="rows"
                  summary={steps.map(({ label, text }) => t("funnel.row", { name: label, count: text })).join(", ")}
                  items={steps}
                />
              );
            }}
      </Panel>
    </>
  );
}
