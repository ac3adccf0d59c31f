import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { candidatesQuery } from "../../api/queries";
import {
  formatBps,
  formatCompact,
  formatDuration,
  formatFraction,
  formatNumber,
  formatPercent,
  formatPrice,
  humanise,
  symbolSlug,
} from "../../domain/format";
import { chartText as t } from "../../texts/chart";
import { Badge } from "../../ui/badge";
import { type Column, DataTable } from "../../ui/data-table";
import { EmptyNote, Panel } from "../../ui/panel";
import { TimeAgo } from "../../ui/time";
import { Bps, Compact, Plain, Price, Value } from "../../ui/value";
import { activityQuery, bookCapability, densityQuery, marketDataQuery, tapeCapability } from "./queries";
import css from "./symbol-chart.module.css";

interface Field {
  name: string;
  value: number | null;
  unit: string;
  ageMs: number | null;
  reason: string | null;
}

function reasonText(field: Field): string | undefined {
  if (field.reason === "stale") return t("side.stale");
  if (field.reason === "no_capability") return t("side.no_capability");
  return field.reason === null ? undefined : t("side.unavailable");
}

function fieldText(value: number, unit: string): string {
  if (unit === "quote") return formatPrice(value);
  if (unit === "fraction") return formatFraction(value, false, 3);
  if (unit === "%") return formatPercent(value);
  if (unit === "bps") return formatBps(value);
  if (unit === "ms") return formatDuration(value);
  if (unit === "bool") return t(value === 0 ? "side.no" : "side.yes");
  return Math.abs(value) >= 10_000 ? formatCompact(value) : formatNumber(value, Math.abs(value) < 1 ? 4 : 2);
}

const columns: Column<Field>[] = [
  {
    id: "name",
    header: t("side.field"),
    cell: (field) => <span title={field.unit}>{humanise(field.name)}</span>,
    sort: (field) => field.name,
  },
  {
    id: "value",
    header: t("side.value"),
    align: "end",
    cell: (field) => <Value reason={reasonText(field)}>{field.value === null ? null : fieldText(field.value, field.unit)}</Value>,
  },
  {
    id: "age",
    header: t("side.age"),
    align: "end",
    cell: (field) => (field.ageMs === null ? null : <span className="text-3">{formatDuration(field.ageMs)}</span>),
  },
];

function MarketDataPanel({ symbol }: { symbol: string }) {
  const query = useQuery(marketDataQuery(symbol));
  return (
    <Panel title={t("side.title")} query={query} renewed={2000} isFlush>
      {(data) => (
        <div className={css.fields}>
          <DataTable
            id="chart.fields"
            label={t("side.title")}
            rows={Object.entries(data.fields).map(
              ([name, field]): Field => ({
                name,
                value: field.value ?? null,
                unit: field.unit,
                ageMs: field.age_ms ?? null,
                reason: field.reason ?? null,
              }),
            )}
            columns={columns}
            rowKey={(field) => field.name}
            hasFilter={false}
            hasColumnChoice={false}
            cards="never"
          />
        </div>
      )}
    </Panel>
  );
}

function CandidatePanel({ symbol }: { symbol: string }) {
  const query = useQuery(candidatesQuery);
  const slug = symbolSlug(symbol);
  const why = (
    <Link to="/decisions" search={{ symbol: slug } as never}>
      {t("side.why")}
    </Link>
  );
  return (
    <Panel
      title={t("side.candidate")}
      query={query}
      renewed="feed"
      empty={(rows) =>
        rows.some((row) => symbolSlug(row.symbol) === slug) ? null : { text: t("side.noCandidate"), action: why }
      }
    >
      {(rows) => {
        const candidate = rows.find((row) => symbolSlug(row.symbol) === slug);
        if (!candidate) return null;
        const nearest = [...candidate.levels].sort(
          (a, b) => Math.abs(a.distance_bps ?? Infinity) - Math.abs(b.distance_bps ?? Infinity),
        )[0];
        return (
          <dl className={css.facts}>
            <dt>{t("side.state")}</dt>
            <dd>
              <Badge tone="accent">{humanise(candidate.state)}</Badge>
            </dd>
            <dt>{t("side.score")}</dt>
            <dd>
              <Plain value={candidate.score} />
            </dd>
            <dt>{t("side.since")}</dt>
            <dd>
              <TimeAgo at={candidate.since_at} />
            </dd>
            <dt>{t("side.nearest")}</dt>
            <dd>{nearest ? <Bps value={nearest.distance_bps} /> : <Value>{null}</Value>}</dd>
            <dt />
            <dd>{why}</dd>
          </dl>
        );
      }}
    </Panel>
  );
}

interface BookRow {
  price: number;
  size_usd: number;
}
const BOOK_ROWS = 20;
const DEPTH_BANDS = [0.003, 0.005] as const;

function BookSide({
  rows,
  name,
  largest,
  side,
  symbol,
}: {
  rows: readonly BookRow[];
  name: string;
  largest: number;
  side: "bid" | "ask";
  symbol: string;
}) {
  return (
    <table className={css.book}>
      <caption className="visually-hidden">{name}</caption>
      <thead>
        <tr>
          <th scope="col">{t("side.price")}</th>
          <th scope="col">{t("side.size")}</th>
        </tr>
      </thead>
      <tbody>
        {rows.slice(0, BOOK_ROWS).map((row) => (
          <tr key={row.price}>
            <td>
              <Price symbol={symbol} value={row.price} />
            </td>
            <td>
              <div className={`${css.depth} ${css[side]}`} style={{ width: `${(row.size_usd / largest) * 100}%` }} aria-hidden />
              <Compact value={row.size_usd} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function depthWithin(rows: readonly BookRow[], mid: number, share: number): number {
  return rows.filter((row) => Math.abs(row.price / mid - 1) <= share).reduce((sum, row) => sum + row.size_usd, 0);
}

function BookPanel({ symbol }: { symbol: string }) {
  const { data: market } = useQuery(marketDataQuery(symbol));
  const isAbsent = market?.capabilities.includes(bookCapability) === false;
  const query = useQuery(densityQuery(symbol, market !== undefined && !isAbsent));
  if (isAbsent)
    return (
      <Panel title={t("side.book")}>
        <EmptyNote text={t("side.noBook")} />
      </Panel>
    );
  return (
    <Panel title={t("side.book")} query={query} renewed={2000}>
      {(data) => {
        const mid = data.mid;
        const shown = [...data.bids.slice(0, BOOK_ROWS), ...data.asks.slice(0, BOOK_ROWS)];
        const largest = Math.max(1, ...shown.map((row) => row.size_usd));
        return (
          <div className="stack">
            <div className="grid">
              <div className="c-6 half">
                <BookSide rows={data.bids} name={t("side.bid")} largest={largest} side="bid" symbol={symbol} />
              </div>
              <div className="c-6 half">
                <BookSide rows={data.asks} name={t("side.ask")} largest={largest} side="ask" symbol={symbol} />
              </div>
            </div>
            <dl className={css.facts}>
              {mid != null &&
                DEPTH_BANDS.map((band) => [
                  <dt key={`t${band}`}>{t("side.depth", { pct: formatFraction(band, false, 1) })}</dt>,
                  <dd key={`d${band}`}>
                    {formatCompact(depthWithin(data.bids, mid, band))} / {formatCompact(depthWithin(data.asks, mid, band))}
                  </dd>,
                ])}
            </dl>
          </div>
        );
      }}
    </Panel>
  );
}

function ActivityPanel({ symbol }: { symbol: string }) {
  const { data: market } = useQuery(marketDataQuery(symbol));
  const isAbsent = market?.capabilities.includes(tapeCapability) === false;
  const query = useQuery(activityQuery(symbol, market !== undefined && !isAbsent));
  if (isAbsent)
    return (
      <Panel title={t("side.activity")}>
        <EmptyNote text={t("side.noActivity")} />
      </Panel>
    );
  return (
    <Panel title={t("side.activity")} query={query} renewed={2000}>
      {(data) => (
        <dl className={css.facts}>
          <dt>{t("side.index")}</dt>
          <dd>
            <Plain value={data.activity_index} /> {data.is_dropping && <Badge tone="warn">{t("side.dropping")}</Badge>}
          </dd>
          <dt>{t("side.tpm")}</dt>
          <dd>
            <Plain value={data.tpm_10s} digits={0} /> · <Plain value={data.tpm_60s} digits={0} /> ·{" "}
            <Plain value={data.tpm_300s} digits={0} />
          </dd>
          <dt>{t("side.ratio")}</dt>
          <dd>
            <Plain value={data.buy_sell_ratio_60s} />
          </dd>
          <dt>{t("side.delta")}</dt>
          <dd>
            <Compact value={data.volume_delta_60s} />
          </dd>
        </dl>
      )}
    </Panel>
  );
}

/** What is known of a symbol beside its candles. */
export function SymbolSide({ symbol }: { symbol: string }) {
  return (
    <>
      <CandidatePanel symbol={symbol} />
      <MarketDataPanel symbol={symbol} />
      <BookPanel symbol={symbol} />
      <ActivityPanel symbol={symbol} />
    </>
  );
}
