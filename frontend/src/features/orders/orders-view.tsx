import { Button, SegmentedControl, Select } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { apiUrl } from "../../api/client";
import { ordersQuery } from "../../api/queries";
import type { Order } from "../../api/types";
import { useRefreshOn } from "../../api/use-refresh";
import { CommandButton } from "../../commands/host";
import { cancelEntries } from "../../commands/orders";
import { formatCount, humanise, shortSymbol } from "../../domain/format";
import { useSearchState } from "../../hooks/use-search-state";
import { ordersText as t } from "../../texts/orders";
import { DataTable } from "../../ui/data-table";
import { Panel, type QueryLike } from "../../ui/panel";
import { OrderDialog } from "./order-detail";
import css from "./orders.module.css";
import { orderListKey, orderListQuery, orderWords } from "./queries";
import { liveOrderColumns } from "./tables";

const STATES = ["open", "closed", "all"] as const;
type State = (typeof STATES)[number];
const PURPOSES: readonly Order["purpose"][] = ["entry", "add_on", "stop", "target", "exit", "flatten", "manual"];
const ENTRIES = new Set<Order["purpose"]>(["entry", "add_on"]);

/** Open orders come with the feed; closed ones and all are loaded page by page. */
export function OrdersView() {
  const [search, setSearch] = useSearchState({ state: "open", q: "", purpose: "", side: "", sort: "-age", order: "" });
  const state: State = STATES.find((each) => each === search.state) ?? "open";
  const isOpen = state === "open";
  const filters = { state, symbol: "", purpose: search.purpose, side: search.side };
  const live = useQuery(ordersQuery);
  const past = useInfiniteQuery(orderListQuery(filters, !isOpen));
  useRefreshOn(["ORDER_PLACED", "ORDER_UPDATED", "ORDER_CANCELED", "ORDER_UPDATE"], orderListKey, () => !isOpen);
  const pages = past.data?.pages;
  const loaded = pages?.flatMap((page) => page.items);
  const openRows = live.data?.filter(
    (row) => (search.purpose === "" || row.purpose === search.purpose) && (search.side === "" || row.side === search.side),
  );
  const query: QueryLike<Order[]> = isOpen
    ? { ...live, data: openRows, refetch: live.refetch }
    : { data: loaded, error: past.error, isPending: past.isPending, dataUpdatedAt: past.dataUpdatedAt, refetch: past.refetch };
  const entries = live.data?.filter((row) => ENTRIES.has(row.purpose)).length ?? 0;
  const total = pages?.[0]?.total ?? null;
  const words = { ...orderWords(filters), limit: 1000 };
  return (
    <>
      <Panel
        title={t(`list.${state}`)}
        note={query.data ? formatCount(query.data.length) : undefined}
        query={query}
        {...(isOpen ? { renewed: "feed" as const } : {})}
        isFlush
        actions={
          <>
            <SegmentedControl
              aria-label={t("state.label")}
              value={state}
              onChange={(next) => setSearch({ state: next })}
              data={STATES.map((value) => ({ value, label: t(`state.${value}`) }))}
            />
            {isOpen && <CommandButton command={cancelEntries} args={{ count: entries }} />}
          </>
        }
        empty={(rows) =>
          rows.length > 0 || search.purpose !== "" || search.side !== ""
            ? null
            : { text: t(`none.${state}`), action: <Link to="/decisions">{t("none.action")}</Link> }
        }
      >
        {(rows) => (
          <>
            <DataTable
              id="orders.list"
              label={t(`list.${state}`)}
              rows={rows}
              columns={liveOrderColumns}
              rowKey={(row) => row.client_order_id}
              rowLabel={(row) => `${shortSymbol(row.symbol)} ${row.client_order_id}`}
              sort={search.sort}
              onSort={(sort) => setSearch({ sort })}
              filter={search.q}
              onFilter={(q) => setSearch({ q })}
              onOpen={(row) => setSearch({ order: row.client_order_id })}
              activeKey={search.order}
              hasFilter
              hasColumnChoice
              isPrimary
              maxHeight="calc(100vh - 260px)"
              empty={t(`none.${state}`)}
              tools={
                <>
                  <Select
                    aria-label={t("filter.purpose")}
                    placeholder={t("filter.anyPurpose")}
                    data={PURPOSES.map((value) => ({ value, label: humanise(value) }))}
                    value={search.purpose === "" ? null : search.purpose}
                    onChange={(purpose) => setSearch({ purpose: purpose ?? "" })}
                    clearable
                    w={150}
                  />
                  <Select
                    aria-label={t("filter.side")}
                    placeholder={t("filter.anySide")}
                    data={["buy", "sell"]}
                    value={search.side === "" ? null : search.side}
                    onChange={(side) => setSearch({ side: side ?? "" })}
                    clearable
                    w={120}
                  />
                  <span className="row small">
                    <span className="text-3">{t("export.label")}</span>
                    <a href={apiUrl("/api/trading/orders", { ...words, format: "csv" })} download="orders.csv">
                      {t("export.csv")}
                    </a>
                    <a href={apiUrl("/api/trading/orders", words)} download="orders.json">
                      {t("export.json")}
                    </a>
                  </span>
                </>
              }
            />
            {!isOpen && (
              <div className={css.more}>
                {past.hasNextPage && (
                  <Button variant="default" loading={past.isFetchingNextPage} onClick={() => void past.fetchNextPage()}>
                    {t("more")}
                  </Button>
                )}
                {total === null
                  ? t("more.noteUnknown", { n: rows.length })
                  : t("more.note", { shown: formatCount(rows.length), total: formatCount(total) })}
              </div>
            )}
          </>
        )}
      </Panel>
      <OrderDialog id={search.order} onClose={() => setSearch({ order: "" })} />
    </>
  );
}
