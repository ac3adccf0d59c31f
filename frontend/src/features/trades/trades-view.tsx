import { Button, Select, TextInput } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { apiUrl } from "../../api/client";
import { presetsQuery } from "../../api/queries";
import type { Trade } from "../../api/types";
import { useRefreshOn } from "../../api/use-refresh";
import { formatCount, humanise, shortSymbol } from "../../domain/format";
import { totalsOfTrades } from "../../domain/trades";
import { useSearchState } from "../../hooks/use-search-state";
import { tradesText as t } from "../../texts/trades";
import { sideColumn, symbolColumn } from "../../ui/columns";
import { type Column, DataTable } from "../../ui/data-table";
import { Fact } from "../../ui/fact";
import { useSearchKey } from "../../ui/keys";
import { Panel } from "../../ui/panel";
import { Duration, Time } from "../../ui/time";
import { Bps, Count, Percent, Price, Quantity, RMultiple, Usd } from "../../ui/value";
import { tradeListKey, tradeListQuery, tradeWords } from "./queries";
import css from "./trades.module.css";

const columns: readonly Column<Trade>[] = [
  {
    id: "closed",
    header: t("column.closed"),
    cell: (row) => <Time at={row.closed_at} />,
    sort: (row) => row.closed_at,
  },
  symbolColumn(t("column.symbol")),
  sideColumn(t("column.side")),
  { id: "strategy", header: t("column.strategy"), cell: (row) => row.strategy, sort: (row) => row.strategy },
  {
    id: "preset",
    header: t("column.preset"),
    cell: (row) => row.preset,
    sort: (row) => row.preset,
    isHiddenByDefault: true,
  },
  { id: "mode", header: t("column.mode"), cell: (row) => row.mode, sort: (row) => row.mode, isHiddenByDefault: true },
  {
    id: "held",
    header: t("column.held"),
    cell: (row) => <Duration ms={row.hold_ms} />,
    sort: (row) => row.hold_ms,
    align: "end",
  },
  {
    id: "qty",
    header: t("column.qty"),
    cell: (row) => <Quantity symbol={row.symbol} value={row.qty} />,
    sort: (row) => row.qty,
    align: "end",
    isHiddenByDefault: true,
  },
  {
    id: "entry",
    header: t("column.entry"),
    cell: (row) => <Price symbol={row.symbol} value={row.entry} />,
    sort: (row) => row.entry,
    align: "end",
  },
  {
    id: "exit",
    header: t("column.exit"),
    cell: (row) => <Price symbol={row.symbol} value={row.exit_average} />,
    sort: (row) => row.exit_average,
    align: "end",
  },
  {
    id: "reason",
    header: t("column.reason"),
    cell: (row) => humanise(row.exit_reason),
    sort: (row) => row.exit_reason,
  },
  {
    id: "targets",
    header: t("column.targets"),
    cell: (row) => <Count value={row.targets_filled} />,
    sort: (row) => row.targets_filled,
    align: "end",
  },
  {
    id: "mfe",
    header: t("column.mfe"),
    cell: (row) => <RMultiple value={row.mfe_r} reason={t("unknown.excursion")} />,
    sort: (row) => row.mfe_r,
    align: "end",
  },
  {
    id: "mae",
    header: t("column.mae"),
    cell: (row) => <RMultiple value={row.mae_r} reason={t("unknown.excursion")} />,
    sort: (row) => row.mae_r,
    align: "end",
  },
  {
    id: "slippage",
    header: t("column.slippage"),
    cell: (row) => <Bps value={row.slippage_entry_bps} reason={t("unknown.slippage")} />,
    sort: (row) => row.slippage_entry_bps,
    align: "end",
    isHiddenByDefault: true,
  },
  {
    id: "fees",
    header: t("column.fees"),
    cell: (row) => <Usd value={row.fees_usd} />,
    sort: (row) => row.fees_usd,
    align: "end",
  },
  {
    id: "r",
    header: t("column.r"),
    cell: (row) => <RMultiple value={row.pnl_r} arrow reason={t("unknown.r")} />,
    sort: (row) => row.pnl_r,
    align: "end",
  },
  {
    id: "pnl",
    header: t("column.pnl"),
    cell: (row) => <Usd value={row.pnl_usd} signed />,
    sort: (row) => row.pnl_usd,
    align: "end",
  },
];

function Totals({ trades }: { trades: readonly Trade[] }) {
  const totals = totalsOfTrades(trades);
  return (
    <dl className={css.totals} aria-label={t("totals.title")}>
      <Fact name={t("totals.count")}>
        <Count value={totals.count} />
      </Fact>
      <Fact name={t("totals.wins")}>
        <Percent of="fraction" value={totals.winRate} digits={1} reason={t("totals.none")} />
      </Fact>
      <Fact name={t("totals.r")}>
        <RMultiple value={totals.r} reason={t("totals.noR")} />
      </Fact>
      <Fact name={t("totals.averageR")}>
        <RMultiple value={totals.averageR} reason={t("totals.noR")} />
      </Fact>
      <Fact name={t("totals.gross")}>
        <Usd value={totals.grossUsd} signed />
      </Fact>
      <Fact name={t("totals.fees")}>
        <Usd value={totals.feesUsd} />
      </Fact>
      <Fact name={t("totals.funding")}>
        <Usd value={totals.fundingUsd} signed />
      </Fact>
      <Fact name={t("totals.pnl")}>
        <Usd value={totals.pnlUsd} signed arrow />
      </Fact>
      <Fact name={t("totals.hold")}>
        <Duration ms={totals.averageHoldMs} reason={t("totals.none")} />
      </Fact>
    </dl>
  );
}

const defaults = {
  symbol: "",
  side: "",
  strategy: "",
  exit: "",
  preset: "",
  mode: "",
  from: "",
  to: "",
  sort: "-closed",
};
const filterNames = ["symbol", "side", "strategy", "exit", "preset", "mode", "from", "to"] as const;
type Search = Record<keyof typeof defaults, string>;

function Choice({
  label,
  any,
  value,
  words,
  onChange,
}: {
  label: string;
  any: string;
  value: string;
  words: readonly string[];
  onChange: (word: string) => void;
}) {
  // A word of the address that no trade has stays in the list: it must be seen to be taken away.
  const data = [...new Set([...words, ...(value === "" ? [] : [value])])].map((word) => ({ value: word, label: humanise(word) }));
  return (
    <Select
      aria-label={label}
      placeholder={any}
      data={data}
      value={value === "" ? null : value}
      onChange={(next) => onChange(next ?? "")}
      clearable
      searchable={data.length > 6}
      w={150}
    />
  );
}

function Filters({
  search,
  setSearch,
  reasons,
  presets,
}: {
  search: Search;
  setSearch: (patch: Partial<Search>) => void;
  reasons: readonly string[];
  presets: readonly string[];
}) {
  const input = useSearchKey();
  return (
    <>
      <TextInput
        ref={input}
        aria-label={t("filter.symbol")}
        placeholder={t("filter.symbol")}
        value={search.symbol}
        onChange={(event) => setSearch({ symbol: event.currentTarget.value.toUpperCase() })}
        w={120}
      />
      <Choice
        label={t("filter.side")}
        any={t("filter.anySide")}
        value={search.side}
        words={["long", "short"]}
        onChange={(side) => setSearch({ side })}
      />
      <Choice
        label={t("filter.strategy")}
        any={t("filter.anyStrategy")}
        value={search.strategy}
        words={["momentum", "retest", "channel", "adopted"]}
        onChange={(strategy) => setSearch({ strategy })}
      />
      <Choice
        label={t("filter.exit")}
        any={t("filter.anyExit")}
        value={search.exit}
        words={reasons}
        onChange={(exit) => setSearch({ exit })}
      />
      <Choice
        label={t("filter.preset")}
        any={t("filter.anyPreset")}
        value={search.preset}
        words={presets}
        onChange={(preset) => setSearch({ preset })}
      />
      <Choice
        label={t("filter.mode")}
        any={t("filter.anyMode")}
        value={search.mode}
        words={["paper", "live"]}
        onChange={(mode) => setSearch({ mode })}
      />
      <TextInput
        type="date"
        aria-label={t("filter.from")}
        title={t("filter.from")}
        value={search.from}
        onChange={(event) => setSearch({ from: event.currentTarget.value })}
      />
      <TextInput
        type="date"
        aria-label={t("filter.to")}
        title={t("filter.to")}
        value={search.to}
        onChange={(event) => setSearch({ to: event.currentTarget.value })}
      />
    </>
  );
}

/** A symbol is sent when it can be one: the API refuses half a word. */
const SYMBOL = /^[A-Z0-9]{2,}\/?[A-Z0-9]*(:[A-Z0-9]+)?$/;

export function TradesView() {
  const navigate = useNavigate();
  const [search, setSearch] = useSearchState(defaults);
  const { data: presets } = useQuery(presetsQuery);
  const filters = {
    symbol: "",
    side: search.side,
    strategy: search.strategy,
    preset: search.preset,
    exit_reason: search.exit,
    mode: search.mode,
    from: search.from,
    to: search.to,
  };
  const query = useInfiniteQuery(tradeListQuery(filters));
  useRefreshOn(["POSITION_CLOSE"], tradeListKey, () => true);
  const loaded = query.data?.pages.flatMap((page) => page.items);
  const needle = search.symbol.trim();
  const rows = loaded?.filter(
    (row) => needle === "" || row.symbol.replace("/", "").includes(needle.replace("/", "").replace(/:.*/, "")),
  );
  const isFiltered = filterNames.some((name) => search[name] !== "");
  const total = query.data?.pages[0]?.total ?? null;
  const words = { ...tradeWords({ ...filters, symbol: SYMBOL.test(needle) && needle.length > 5 ? needle : "" }), limit: 1000 };
  const clear = (): void => setSearch(Object.fromEntries(filterNames.map((name) => [name, ""])));
  return (
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
        <span className="row small">
          <span className="text-3">{t("export.label")}</span>
          <a href={apiUrl("/api/trading/trades", { ...words, format: "csv" })} download="trades.csv">
            {t("export.csv")}
          </a>
          <a href={apiUrl("/api/trading/trades", words)} download="trades.json">
            {t("export.json")}
          </a>
        </span>
      }
      empty={(data) =>
        data.length > 0 || isFiltered
          ? null
          : { text: t("list.none"), action: <Link to="/trading/positions">{t("list.open")}</Link> }
      }
    >
      {(data) => (
        <>
          <Totals trades={data} />
          <DataTable
            id="trades.list"
            label={t("list.title")}
            rows={data}
            columns={columns}
            rowKey={(row) => row.trade_id}
            rowLabel={(row) => shortSymbol(row.symbol)}
            sort={search.sort}
            onSort={(sort) => setSearch({ sort })}
            onOpen={(row) => void navigate({ to: "/trading/trades/$id", params: { id: row.trade_id } })}
            hasColumnChoice
            isPrimary
            maxHeight="calc(100vh - 340px)"
            tools={
              <Filters
                search={search}
                setSearch={setSearch}
                reasons={[...new Set((loaded ?? []).map((row) => row.exit_reason))].sort()}
                presets={(presets ?? []).map((preset) => preset.name)}
              />
            }
            empty={
              <>
                {t("list.noMatch")}{" "}
                <Button variant="subtle" onClick={clear}>
                  {t("list.clear")}
                </Button>
              </>
            }
          />
          {query.hasNextPage && (
            <div className={css.note}>
              <Button variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
                {t("more")}
              </Button>{" "}
              {t("more.note", { n: data.length, total: total === null ? "?" : formatCount(total) })}
            </div>
          )}
        </>
      )}
    </Panel>
  );
}
