import { useQuery } from "@tanstack/react-query";
import { engineQuery } from "../../api/queries";
import { formatCount, formatDateTime, formatDuration, humanise } from "../../domain/format";
import { monitoringText as t } from "../../texts/monitoring";
import { Badge } from "../../ui/badge";
import { LimitBar } from "../../ui/bar";
import { symbolColumn } from "../../ui/columns";
import { type Column, DataTable } from "../../ui/data-table";
import { Panel } from "../../ui/panel";
import { Value } from "../../ui/value";
import css from "./monitoring.module.css";
import { feedHealthQuery, rateQuery, type SymbolHealth } from "./queries";

const kinds = ["candles", "ticker", "book", "trades", "open_interest", "funding"] as const;

function ageReason(row: SymbolHealth, kind: string): string {
  return row.ages[kind]?.capable ? t("feed.noData") : t("feed.noCapability");
}

const columns: Column<SymbolHealth>[] = [
  symbolColumn(t("feed.symbol")),
  {
    id: "warm",
    header: t("feed.warm"),
    cell: (row) => <Badge tone={row.warm ? "up" : "warn"}>{t(row.warm ? "feed.yes" : "feed.no")}</Badge>,
    sort: (row) => row.warm,
  },
  ...kinds.map(
    (kind): Column<SymbolHealth> => ({
      id: kind,
      header: humanise(kind),
      align: "end",
      cell: (row) => {
        const age = row.ages[kind]?.age_ms;
        return <Value reason={ageReason(row, kind)}>{age == null ? null : formatDuration(age)}</Value>;
      },
      sort: (row) => row.ages[kind]?.age_ms ?? null,
    }),
  ),
  {
    id: "missing",
    header: t("feed.missing"),
    align: "end",
    cell: (row) => formatCount(row.missing_candles),
    sort: (row) => row.missing_candles,
  },
  {
    id: "skipped",
    header: t("feed.skipped"),
    cell: (row) => (row.skipped.length === 0 ? t("feed.noneSkipped") : row.skipped.map(humanise).join(", ")),
    isHiddenByDefault: true,
  },
];

/** How old the data of every symbol are, and what is left of the venue's limits. */
export function FeedHealth() {
  const query = useQuery(feedHealthQuery);
  const rates = useQuery(rateQuery);
  const { data: engine } = useQuery(engineQuery);
  return (
    <>
      <Panel
        title={t("feed.title")}
        query={query}
        renewed={5000}
        isFlush
        empty={(rows) => (rows.length === 0 ? { text: t("feed.none") } : null)}
      >
        {(rows) => (
          <DataTable
            id="monitoring.feed"
            label={t("feed.title")}
            rows={rows}
            columns={columns}
            rowKey={(row) => row.symbol}
            defaultSort="symbol"
            isPrimary
            maxHeight={520}
          />
        )}
      </Panel>
      <Panel title={t("venue.title")} query={rates} renewed={5000}>
        {(data) => (
          <div className="stack">
            <dl className={css.facts}>
              <div className={css.fact}>
                <dt>{t("venue.latency")}</dt>
                <dd>
                  <Value reason={t("venue.latencyNone")}>
                    {engine?.latency_ms == null ? null : formatDuration(engine.latency_ms)}
                  </Value>
                </dd>
              </div>
            </dl>
            {data.venues.map((venue) => (
              <div key={venue.venue} className="stack">
                {venue.banned_until != null && (
                  <Badge tone="down">{t("venue.banned", { time: formatDateTime(venue.banned_until) })}</Badge>
                )}
                {venue.buckets.length === 0 && <p className="text-2">{t("venue.noBuckets", { venue: venue.venue })}</p>}
                {venue.buckets.map((bucket) => (
                  <div key={bucket.name}>
                    <span className="small">
                      {t("venue.bucket", { name: bucket.name, used: bucket.used, limit: bucket.limit })}
                    </span>
                    <LimitBar name={bucket.name} used={bucket.limit > 0 ? bucket.used / bucket.limit : null} />
                  </div>
                ))}
              </div>
            ))}
          </div>
        )}
      </Panel>
    </>
  );
}
