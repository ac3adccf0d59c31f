import { Button, SegmentedControl, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useFeedTopics } from "../../api/live";
import { engineQuery, presetsQuery, scanQuery } from "../../api/queries";
import type { ScanResult, ScanSnapshot } from "../../api/types";
import { CommandButton } from "../../commands/host";
import { scanNow } from "../../commands/engine";
import { nearestLevel } from "../../domain/candidates";
import { formatBps, formatCount, formatFraction, formatNumber, humanise, shortSymbol, symbolSlug } from "../../domain/format";
import { isShown } from "../../domain/scan";
import { useSearchState } from "../../hooks/use-search-state";
import { scannerText as t } from "../../texts/scanner";
import { Badge } from "../../ui/badge";
import { type Column, DataTable } from "../../ui/data-table";
import { Fact } from "../../ui/fact";
import { Panel, type QueryLike } from "../../ui/panel";
import { Duration, TimeAgo } from "../../ui/time";
import { Bps, Compact, Count, Percent, Plain, Price, Value } from "../../ui/value";
import { ComponentBar, FilterChips, withNulls } from "./parts";
import { dryScanQuery, longScanQuery } from "./queries";
import css from "./scanner.module.css";

const unknown = t("unknown.metric");

const columns: readonly Column<ScanResult>[] = [
  {
    id: "rank",
    header: t("column.rank"),
    cell: (row) => <Count value={row.rank} reason={t("unknown.rank")} />,
    sort: (row) => row.rank,
    align: "end",
  },
  {
    id: "symbol",
    header: t("column.symbol"),
    cell: (row) => (
      <span className="row-tight">
        <strong>{shortSymbol(row.symbol)}</strong>
      </span>
    ),
    sort: (row) => row.symbol,
    isTitle: true,
  },
  {
    id: "score",
    header: t("column.score"),
    hint: t("column.scoreHint"),
    cell: (row) =>
      row.score === null ? (
        <Value reason={t("unknown.score")}>{null}</Value>
      ) : (
        <span className={css.score}>
          {formatNumber(row.score)}
          <ComponentBar components={row.components} score={row.score} />
        </span>
      ),
    sort: (row) => row.score,
    align: "end",
  },
  {
    id: "filters",
    header: t("column.filters"),
    cell: (row) => <FilterChips result={row} />,
    sort: (row) => row.failed.length,
    text: (row) => row.failed.map(humanise).join(" "),
  },
  {
    id: "price",
    header: t("column.price"),
    cell: (row) => <Price symbol={row.symbol} value={row.price} reason={t("unknown.price")} />,
    sort: (row) => row.price,
    align: "end",
  },
  {
    id: "change",
    header: t("column.change"),
    cell: (row) => <Percent of="percent" value={row.change_24h_pct} signed reason={unknown} />,
    sort: (row) => row.change_24h_pct,
    align: "end",
  },
  {
    id: "turnover",
    header: t("column.turnover"),
    cell: (row) => <Compact value={row.volume_24h_usd} reason={unknown} />,
    sort: (row) => row.volume_24h_usd,
    align: "end",
  },
  {
    id: "surge1h",
    header: t("column.surge1h"),
    cell: (row) => (
      <Value reason={unknown}>{row.metrics.vol_surge_1h == null ? null : `${formatNumber(row.metrics.vol_surge_1h)}×`}</Value>
    ),
    sort: (row) => row.metrics.vol_surge_1h,
    align: "end",
  },
  {
    id: "surge5m",
    header: t("column.surge5m"),
    cell: (row) => (
      <Value reason={unknown}>{row.metrics.vol_surge_5m == null ? null : `${formatNumber(row.metrics.vol_surge_5m)}×`}</Value>
    ),
    sort: (row) => row.metrics.vol_surge_5m,
    align: "end",
  },
  {
    id: "atr",
    header: t("column.atr"),
    cell: (row) => <Percent of="percent" value={row.metrics.atr_15m_pct} reason={unknown} />,
    sort: (row) => row.metrics.atr_15m_pct,
    align: "end",
  },
  {
    id: "bb",
    header: t("column.bb"),
    cell: (row) => <Plain value={row.metrics.bb_width_percentile} digits={0} reason={unknown} />,
    sort: (row) => row.metrics.bb_width_percentile,
    align: "end",
  },
  {
    id: "correlation",
    header: t("column.correlation"),
    cell: (row) => <Plain value={row.metrics.btc_correlation} reason={unknown} />,
    sort: (row) => row.metrics.btc_correlation,
    align: "end",
  },
  {
    id: "tpm",
    header: t("column.tpm"),
    cell: (row) => <Plain value={row.metrics.trades_per_minute} digits={0} reason={unknown} />,
    sort: (row) => row.metrics.trades_per_minute,
    align: "end",
  },
  {
    id: "spread",
    header: t("column.spread"),
    cell: (row) => <Bps value={row.metrics.spread_bps} reason={unknown} />,
    sort: (row) => row.metrics.spread_bps,
    align: "end",
  },
  {
    id: "depth",
    header: t("column.depth"),
    cell: (row) => <Compact value={row.metrics.depth_usd_0_3pct} reason={unknown} />,
    sort: (row) => row.metrics.depth_usd_0_3pct,
    align: "end",
  },
  {
    id: "oi",
    header: t("column.oi"),
    cell: (row) => <Percent of="fraction" value={row.metrics.oi_change_24h} signed reason={unknown} />,
    sort: (row) => row.metrics.oi_change_24h,
    align: "end",
  },
  {
    id: "level",
    header: t("column.level"),
    hint: t("column.levelHint"),
    cell: (row) => {
      const level = nearestLevel(row.levels);
      return (
        <Value reason={t("level.none")}>
          {level === null
            ? null
            : t("level.cell", { distance: formatBps(level.distance_bps), strength: formatFraction(level.strength, false, 0) })}
        </Value>
      );
    },
    sort: (row) => {
      const distance = nearestLevel(row.levels)?.distance_bps;
      return distance == null ? null : Math.abs(distance);
    },
    align: "end",
  },
];

function LastScan({ query, isDry, preset }: { query: QueryLike<ScanSnapshot | null>; isDry: boolean; preset: string }) {
  const { data: engine } = useQuery(engineQuery);
  return (
    <Panel
      title={t("last.title")}
      query={query}
      skeleton="tile"
      actions={<CommandButton command={scanNow} args={undefined} />}
      empty={(scan) => (scan === null ? { text: t("list.none"), action: <Link to="/engine">{t("list.engine")}</Link> } : null)}
    >
      {(scan) =>
        scan && (
          <div className="stack">
            {isDry && <p className="tone-warn">{t("preset.dry", { name: preset })}</p>}
            <dl className={css.facts}>
              <Fact name={t("last.time")}>
                <TimeAgo at={scan.ts} />
              </Fact>
              <Fact name={t("last.next")}>
                <TimeAgo at={engine?.next_scan_at} reason={t("last.nextNone")} />
              </Fact>
              <Fact name={t("last.duration")}>
                <Duration ms={scan.duration_ms} reason={t("last.durationNone")} />
              </Fact>
              <Fact name={t("last.preset")}>{scan.preset}</Fact>
              <Fact name={t("last.total")}>
                <Count value={scan.total_symbols} />
              </Fact>
              <Fact name={t("last.notReady")}>
                <Count value={scan.not_ready} />
              </Fact>
              <Fact name={t("last.scanned")}>
                <Count value={scan.scanned} />
              </Fact>
              <Fact name={t("last.passed")}>
                <Count value={scan.passed_filters} />
              </Fact>
              <Fact name={t("last.candidates")}>
                <Count value={scan.candidates} />
              </Fact>
              {scan.skipped_filters.length > 0 && (
                <Fact name={t("last.skipped")}>
                  <span className={css.badges}>
                    {scan.skipped_filters.map((name) => (
                      <Badge key={name}>{humanise(name)}</Badge>
                    ))}
                  </span>
                </Fact>
              )}
            </dl>
          </div>
        )
      }
    </Panel>
  );
}

const LIMITS = [50, 100, 200, 500] as const;
const FEED_ROWS: number = 50;

/** The last scan of the session (kept fresh by the feed), more rows of it, or a dry scan with another preset. */
export function useScan(preset: string, limit: number): QueryLike<ScanSnapshot | null> {
  useFeedTopics(["scan"]);
  const live = useQuery(scanQuery);
  const isLong = preset === "" && limit > FEED_ROWS;
  const long = useQuery({ ...longScanQuery(limit, live.data?.scan_id ?? null), enabled: isLong });
  const dry = useQuery(dryScanQuery(preset, limit));
  return preset !== "" ? dry : isLong ? long : live;
}

const emptyTexts: Partial<Record<string, string>> = { passed: t("list.noPass"), almost: t("list.noAlmost") };

export function ScannerView({
  query,
  search,
  onSearch,
}: {
  query: QueryLike<ScanSnapshot | null>;
  search: ScannerSearch;
  onSearch: (patch: Partial<ScannerSearch>) => void;
}) {
  const navigate = useNavigate();
  const { data: engine } = useQuery(engineQuery);
  const { data: presets } = useQuery(presetsQuery);
  const choices = [
    { value: "", label: t("preset.inForce", { name: engine?.preset ?? "" }) },
    ...(presets ?? []).filter(({ name }) => name !== engine?.preset).map(({ name }) => ({ value: name, label: name })),
  ];
  return (
    <>
      <LastScan query={query} isDry={search.preset !== ""} preset={search.preset} />
      <Panel
        title={t("list.title")}
        note={query.data ? formatCount(query.data.items.length) : undefined}
        query={query}
        {...(search.preset === "" ? { renewed: "feed" as const } : {})}
        isFlush
        actions={
          search.preset !== "" && (
            <Button variant="default" onClick={() => void query.refetch()}>
              {t("preset.again")}
            </Button>
          )
        }
        empty={(scan) => {
          if (scan === null) return { text: t("list.none"), action: <Link to="/engine">{t("list.engine")}</Link> };
          return scan.items.length > 0 ? null : { text: t("list.noRows") };
        }}
      >
        {(scan) => {
          const rows = (scan?.items ?? []).filter((row) => isShown(withNulls(row), search.show));
          return (
            <DataTable
              id="scanner.symbols"
              label={t("list.title")}
              rows={rows}
              columns={columns}
              rowKey={(row) => row.symbol}
              rowLabel={(row) => shortSymbol(row.symbol)}
              sort={search.sort}
              onSort={(sort) => onSearch({ sort })}
              filter={search.q}
              onFilter={(q) => onSearch({ q })}
              onOpen={(row) => void navigate({ to: "/scanner/$symbol", params: { symbol: symbolSlug(row.symbol) } })}
              hasFilter
              hasColumnChoice
              isPrimary
              maxHeight="calc(100vh - 290px)"
              empty={emptyTexts[search.show]}
              tools={
                <>
                  <SegmentedControl
                    aria-label={t("show.label")}
                    value={search.show}
                    onChange={(show) => onSearch({ show })}
                    data={(["all", "passed", "almost"] as const).map((value) => ({ value, label: t(`show.${value}`) }))}
                  />
                  <Select
                    aria-label={t("preset.label")}
                    data={choices}
                    value={search.preset}
                    onChange={(preset) => onSearch({ preset: preset ?? "" })}
                    allowDeselect={false}
                    searchable
                    w={220}
                  />
                  <Select
                    aria-label={t("limit.label")}
                    data={LIMITS.map((n) => ({ value: String(n), label: t("limit.rows", { n }) }))}
                    value={String(search.limit)}
                    onChange={(limit) => onSearch({ limit: Number(limit ?? FEED_ROWS) })}
                    allowDeselect={false}
                    w={110}
                  />
                </>
              }
            />
          );
        }}
      </Panel>
    </>
  );
}

export interface ScannerSearch {
  q: string;
  show: string;
  preset: string;
  limit: number;
  sort: string;
}

export function useScannerSearch(): [ScannerSearch, (patch: Partial<ScannerSearch>) => void] {
  return useSearchState({ q: "", show: "all", preset: "", limit: FEED_ROWS, sort: "" });
}
