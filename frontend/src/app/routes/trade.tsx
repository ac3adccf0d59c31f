import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { shortSymbol } from "../../domain/format";
import { type Timeframe, timeframes } from "../../features/chart/queries";
import { SymbolChart } from "../../features/chart/symbol-chart";
import { DecisionList } from "../../features/decisions/decision-list";
import { OrderDialog } from "../../features/orders/order-detail";
import { OrdersOf } from "../../features/orders/tables";
import { tradeQuery } from "../../features/trades/queries";
import { TradeFacts, TradeResult } from "../../features/trades/trade-detail";
import { useSearchState } from "../../hooks/use-search-state";
import { tradesText as t } from "../../texts/trades";
import { Page } from "../../ui/page";
import { Panel } from "../../ui/panel";

/** A closed trade: chart at its time, why it was opened and closed, excursions, costs, orders, fills. */
export function TradePage() {
  const { id = "" } = useParams({ strict: false });
  const [search, setSearch] = useSearchState({ tf: "1m", order: "" });
  const query = useQuery(tradeQuery(id));
  const detail = query.data;
  if (!detail)
    return (
      <Page title={id}>
        <Panel title={t("detail.result")} query={query} skeleton="chart" minHeight={320}>
          {null}
        </Panel>
      </Page>
    );
  const { trade } = detail;
  const timeframe: Timeframe = timeframes.find((each) => each === search.tf) ?? "1m";
  return (
    <Page
      title={t("detail.title", { symbol: shortSymbol(trade.symbol), side: trade.side })}
      tools={<Link to="/trading/trades">{t("detail.all")}</Link>}
    >
      <div className="grid">
        <div className="c-8 stack">
          <SymbolChart
            symbol={trade.symbol}
            timeframe={timeframe}
            onTimeframe={(tf) => setSearch({ tf })}
            focusTs={trade.opened_at}
            height={420}
          />
          <DecisionList title={t("detail.why")} decisions={detail.decisions} />
        </div>
        <div className="c-4 stack">
          <TradeResult trade={trade} />
          <TradeFacts trade={trade} />
        </div>
        <div className="c-12 stack">
          <OrdersOf orders={detail.orders} fills={detail.fills} onOpen={(order) => setSearch({ order })} />
        </div>
      </div>
      <OrderDialog id={search.order} onClose={() => setSearch({ order: "" })} />
    </Page>
  );
}
