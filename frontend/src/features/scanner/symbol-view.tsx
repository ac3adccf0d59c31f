import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useFeedTopics } from "../../api/live";
import { scanQuery } from "../../api/queries";
import type { Level, ScanResult } from "../../api/types";
import { formatFraction, formatNumber, humanise, shortSymbol, symbolSlug } from "../../domain/format";
import { formatMeasure, gaugeOf } from "../../domain/measures";
import { scannerText as t } from "../../texts/scanner";
import { Badge } from "../../ui/badge";
import { BarChart } from "../../ui/bar-chart";
import { type Column, DataTable } from "../../ui/data-table";
import { Panel, type QueryLike } from "../../ui/panel";
import { TimeAgo } from "../../ui/time";
import { Bps, Count, Percent, Price, Value } from "../../ui/value";
import { componentLine, withNulls } from "./parts";
import css from "./scanner.module.css";

/** The row of a symbol in the last scan; null when it is not in it. */
export function useScanResult(
  slug: string,
): QueryLike<ScanResult | null> & { neighbours: { previous: string | null; next: string | null } } {
  useFeedTopics(["scan"]);
  const query = useQuery(scanQuery);
  const items = query.data?.items ?? [];
  const at = items.findIndex((row) => symbolSlug(row.symbol) === slug);
  const slugOf = (row: ScanResult | undefined): string | null => (row ? symbolSlug(row.symbol) : null);
  return {
    data: query.data === undefined ? undefined : (items[at] ?? null),
    error: query.error,
    isPending: query.isPending,
    dataUpdatedAt: query.dataUpdatedAt,
    refetch: query.refetch,
    neighbours: {
      previous: slugOf(items[at === -1 ? items.length - 1 : at - 1]),
      next: slugOf(items[at + 1]),
    },
  };
}

function Filters({ result }: { result: ScanResult }) {
  const rows = Object.entries(withNulls(result).filters);
  return (
    <ul className={css.filters}>
      {rows.map(([name, filter]) => {
        const gauge = filter.value === null || filter.threshold === null ? null : gaugeOf(filter.value, filter.threshold);
        return (
          <li key={name} className={css.filter}>
            <span>
              <Badge
                tone={filter.skipped ? "neutral" : filter.passed ? "up" : "down"}
                title={filter.skipped ? t("stats.skipped") : undefined}
              >
                {filter.skipped ? t("filter.skipped") : filter.passed ? t("filter.passed") : t("filter.failed")}
              </Badge>
            </span>
            <span>{humanise(name)}</span>
            {gauge === null ? (
              <span />
            ) : (
              <span className={css.gauge} aria-hidden>
                <span
                  className={filter.passed ? css.gaugePassed : css.gaugeFailed}
                  style={{
                    insetInlineStart: `${Math.min(gauge.zero, gauge.value) * 100}%`,
                    width: `${Math.abs(gauge.value - gauge.zero) * 100}%`,
                  }}
                />
                <span className={css.gaugeMark} style={{ insetInlineStart: `${gauge.threshold * 100}%` }} />
              </span>
            )}
            <span className="text-2">
              {filter.value === null
                ? filter.skipped
                  ? t("stats.skipped")
                  : t("filter.noValue")
                : t("filter.value", {
                    value: formatMeasure(filter.value, filter.unit),
                    threshold: formatMeasure(filter.threshold, filter.unit),
                  })}
              {filter.distance !== null && (
                <span className="small text-3">
                  {" "}
                  · {t("filter.distance", { distance: formatMeasure(filter.distance, filter.unit) })}
                </span>
              )}
            </span>
          </li>
        );
      })}
    </ul>
  );
}

const levelColumns: readonly Column<Level>[] = [
  {
    id: "price",
    header: t("level.price"),
    cell: (row) => <Price symbol={row.symbol} value={row.price} />,
    sort: (row) => row.price,
    isTitle: true,
    align: "end",
  },
  {
    id: "type",
    header: t("level.type"),
    cell: (row) => <Badge tone={row.level_type === "resistance" ? "warn" : "accent"}>{row.level_type}</Badge>,
    sort: (row) => row.level_type,
  },
  { id: "state", header: t("level.state"), cell: (row) => row.state, sort: (row) => row.state },
  {
    id: "distance",
    header: t("level.distance"),
    cell: (row) => <Bps value={row.distance_bps} reason={t("unknown.price")} />,
    sort: (row) => (row.distance_bps == null ? null : Math.abs(row.distance_bps)),
    align: "end",
  },
  {
    id: "strength",
    header: t("level.strength"),
    cell: (row) => <Percent of="fraction" value={row.strength} digits={0} />,
    sort: (row) => row.strength,
    align: "end",
  },
  {
    id: "touches",
    header: t("level.touches"),
    cell: (row) => <Count value={row.touch_count} />,
    sort: (row) => row.touch_count,
    align: "end",
  },
  { id: "sources", header: t("level.sources"), cell: (row) => row.sources.join(", "), sort: (row) => row.sources.join() },
  {
    id: "bonus",
    header: t("level.bonus"),
    cell: (row) => (
      <Value reason={t("level.noBonus")}>
        {[row.is_round_number && t("level.round"), row.has_cascade && t("level.cascade", { n: row.cascade_count })]
          .filter(Boolean)
          .join(", ")}
      </Value>
    ),
  },
  {
    id: "last",
    header: t("level.last"),
    cell: (row) => <TimeAgo at={row.last_touch_at} />,
    sort: (row) => row.last_touch_at,
    align: "end",
  },
];

/** Filters as bars with their threshold, the score's components, and the levels of a symbol. */
export function SymbolScan({ slug, query }: { slug: string; query: QueryLike<ScanResult | null> }) {
  const none = (result: ScanResult | null) =>
    result === null
      ? { text: t("symbol.gone", { symbol: slug }), action: <Link to="/scanner">{t("symbol.scanner")}</Link> }
      : null;
  return (
    <>
      <Panel
        title={t("symbol.filters")}
        query={query}
        renewed="feed"
        empty={none}
        note={
          query.data ? (query.data.passed ? t("symbol.passed") : t("symbol.failed", { n: query.data.failed.length })) : undefined
        }
      >
        {(result) => result && <Filters result={result} />}
      </Panel>
      {query.data && (
        <>
          <Panel title={t("symbol.components")} note={query.data.score === null ? undefined : formatNumber(query.data.score)}>
            {query.data.score === null ? (
              <p className="text-2">{t("symbol.noScore")}</p>
            ) : (
              <BarChart
                form="rows"
                summary={t("component.summary", {
                  score: formatNumber(query.data.score),
                  parts: Object.entries(query.data.components)
                    .map(([name, component]) => componentLine(name, component))
                    .join("; "),
                })}
                items={Object.entries(query.data.components).map(([name, component]) => ({
                  key: name,
                  label: `${humanise(name)} · ${formatFraction(component.weight, false, 0)}`,
                  value: component.contribution,
                  text: component.value == null ? t("stats.skipped") : formatNumber(component.contribution, 3),
                }))}
              />
            )}
          </Panel>
          <Panel title={t("symbol.levels")} note={query.data.levels.length} isFlush>
            <DataTable
              id="scanner.levels"
              label={`${t("symbol.levels")} ${shortSymbol(query.data.symbol)}`}
              rows={query.data.levels}
              columns={levelColumns}
              rowKey={(row) => row.level_id}
              defaultSort="distance"
              maxHeight={360}
              empty={t("symbol.noLevels")}
            />
          </Panel>
        </>
      )}
    </>
  );
}
