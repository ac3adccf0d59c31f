import { useQuery } from "@tanstack/react-query";
import type { ScanSnapshot } from "../../api/types";
import { formatFraction, humanise } from "../../domain/format";
import { formatMeasure } from "../../domain/measures";
import { type FilterStatistic, filterStatistics } from "../../domain/scan";
import { scannerText as t } from "../../texts/scanner";
import { type Column, DataTable } from "../../ui/data-table";
import { Panel } from "../../ui/panel";
import { Value } from "../../ui/value";
import { withNulls } from "./parts";
import { failedCodesQuery, scanHistoryQuery } from "./queries";
import css from "./scanner.module.css";

function measure(value: number | null, row: FilterStatistic, reason: string) {
  return (
    <Value reason={row.isSkipped ? t("stats.skipped") : reason}>{value === null ? null : formatMeasure(value, row.unit)}</Value>
  );
}

const columns: readonly Column<FilterStatistic>[] = [
  {
    id: "code",
    header: t("stats.filter"),
    cell: (row) => <strong>{humanise(row.code)}</strong>,
    sort: (row) => row.code,
    isTitle: true,
  },
  {
    id: "rate",
    header: t("stats.passRate"),
    cell: (row) => (
      <Value reason={row.isSkipped ? t("stats.skipped") : t("stats.none")}>
        {row.passRate === null ? null : (
          <span className={css.rate}>
            <span className={css.rateTrack} aria-hidden>
              <span className={css.rateFill} style={{ width: `${Math.max(0, row.passRate) * 100}%` }} />
            </span>
            {formatFraction(row.passRate, false, 0)}
          </span>
        )}
      </Value>
    ),
    sort: (row) => row.passRate,
  },
  {
    id: "median",
    header: t("stats.median"),
    cell: (row) => measure(row.medianNow, row, t("stats.unknown")),
    sort: (row) => row.medianNow,
    align: "end",
  },
  {
    id: "threshold",
    header: t("stats.threshold"),
    cell: (row) => measure(row.threshold, row, t("stats.unknown")),
    sort: (row) => row.threshold,
    align: "end",
  },
  {
    id: "failed",
    header: t("stats.medianFailed"),
    cell: (row) => measure(row.medianFailed, row, t("stats.noFailure")),
    sort: (row) => row.medianFailed,
    align: "end",
  },
  {
    id: "nearest",
    header: t("stats.nearest"),
    cell: (row) => measure(row.nearest, row, t("stats.noFailure")),
    sort: (row) => row.nearest,
    align: "end",
  },
];

/** Which filter rejects most, and by how much. */
export function FilterStatistics({ scan }: { scan: ScanSnapshot | null }) {
  const history = useQuery(scanHistoryQuery());
  const codes = useQuery(failedCodesQuery());
  const rows =
    history.data && scan
      ? filterStatistics(
          scan.items.map(withNulls),
          history.data,
          (codes.data?.by_code ?? []).map((row) => ({
            code: row.code,
            count: row.count,
            median_value: row.median_value ?? null,
            nearest_distance: row.nearest_distance ?? null,
          })),
        )
      : history.data && [];
  return (
    <Panel
      title={t("stats.title")}
      note={t("stats.note")}
      query={{ ...history, data: rows, refetch: history.refetch }}
      renewed={10_000}
      isFlush
      empty={(data) => (data.length > 0 ? null : { text: t("stats.none") })}
    >
      {(data) => (
        <DataTable
          id="scanner.statistics"
          label={t("stats.title")}
          rows={data}
          columns={columns}
          rowKey={(row) => row.code}
          defaultSort="rate"
          maxHeight={460}
        />
      )}
    </Panel>
  );
}
