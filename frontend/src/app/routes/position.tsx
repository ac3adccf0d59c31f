import { ActionIcon } from "@mantine/core";
import { useNavigate, useParams } from "@tanstack/react-router";
import { ChevronLeft, ChevronRight } from "lucide-react";
import { useState } from "react";
import { useCommandHost } from "../../commands/host";
import { breakeven, closePart, moveStop } from "../../commands/positions";
import { priceDigits, shortSymbol } from "../../domain/format";
import { type Timeframe, timeframes } from "../../features/chart/queries";
import { SymbolChart } from "../../features/chart/symbol-chart";
import { DecisionList } from "../../features/decisions/decision-list";
import { OrderDialog } from "../../features/orders/order-detail";
import { OrdersOf } from "../../features/orders/tables";
import {
  PositionAccount,
  PositionFacts,
  PositionPanel,
  StopHistory,
  useFreshPosition,
} from "../../features/positions/position-detail";
import { StopEditor } from "../../features/positions/stop-editor";
import { useNeighbours, usePosition } from "../../features/positions/use-position";
import { useSearchState } from "../../hooks/use-search-state";
import { positionsText as t } from "../../texts/positions";
import { useShortcuts } from "../../ui/keys";
import { Page } from "../../ui/page";
import { Panel } from "../../ui/panel";

function Neighbour({ id, label, Icon }: { id: string | null; label: string; Icon: typeof ChevronLeft }) {
  const navigate = useNavigate();
  return (
    <ActionIcon
      aria-label={label}
      title={label}
      disabled={id === null}
      onClick={() => id !== null && void navigate({ to: "/trading/positions/$id", params: { id } })}
    >
      <Icon size={16} aria-hidden />
    </ActionIcon>
  );
}

/** A position: chart at the trade, orders, fills, stops, reasons, and the result line by line. */
export function PositionPage() {
  const { id = "" } = useParams({ strict: false });
  const navigate = useNavigate();
  const { give, context } = useCommandHost();
  const [dropped, setDropped] = useState<number | null>(null);
  const [search, setSearch] = useSearchState({ tf: "1m", order: "" });
  const query = usePosition(id);
  const position = useFreshPosition(query.data?.position);
  const { previous, next } = useNeighbours(id);
  const go = (to: string | null): void => {
    if (to !== null) void navigate({ to: "/trading/positions/$id", params: { id: to } });
  };
  useShortcuts(t("detail.position"), [
    { keys: "[", label: t("detail.previous"), run: () => go(previous) },
    { keys: "]", label: t("detail.next"), run: () => go(next) },
    ...timeframes.map((word, index) => ({ keys: String(index + 1), label: word, run: () => setSearch({ tf: word }) })),
    { keys: "x", label: t("keys.close"), run: () => position && void give(closePart, { position, fraction: 1 }) },
    { keys: "b", label: t("keys.breakeven"), run: () => position && void give(breakeven, { position }) },
  ]);
  const detail = query.data;
  if (!detail || !position)
    return (
      <Page title={id}>
        <Panel title={t("detail.position")} query={query} skeleton="chart" minHeight={320}>
          {null}
        </Panel>
      </Page>
    );
  const mayMove = moveStop.allowed(context, { position, price: position.stop }).isAllowed;
  const grip = {
    price: position.stop,
    label: t("stop.drag"),
    onDrop: (price: number) => setDropped(Number(price.toFixed(priceDigits(price, position.symbol)))),
  };
  const timeframe: Timeframe = timeframes.find((each) => each === search.tf) ?? "1m";
  return (
    <Page
      title={t("detail.title", { symbol: shortSymbol(position.symbol), side: position.side })}
      tools={
        <>
          <Neighbour id={previous} label={t("detail.previous")} Icon={ChevronLeft} />
          <Neighbour id={next} label={t("detail.next")} Icon={ChevronRight} />
        </>
      }
    >
      <div className="grid">
        <div className="c-8 stack">
          <SymbolChart
            key={position.position_id}
            symbol={position.symbol}
            timeframe={timeframe}
            onTimeframe={(tf) => setSearch({ tf })}
            focusTs={position.state === "closed" ? position.opened_at : null}
            height={420}
            grip={mayMove ? grip : undefined}
          />
          <PositionAccount position={position} orders={detail.orders} />
          <StopHistory position={position} moves={detail.stop_history} />
        </div>
        <div className="c-4 stack">
          <PositionPanel position={position} />
          <PositionFacts position={position} />
        </div>
        <div className="c-12">
          <DecisionList decisions={detail.decisions} />
        </div>
        <div className="c-12 stack">
          <OrdersOf orders={detail.orders} fills={detail.fills} onOpen={(order) => setSearch({ order })} />
        </div>
      </div>
      <StopEditor position={position} isOpen={dropped !== null} at={dropped ?? undefined} onClose={() => setDropped(null)} />
      <OrderDialog id={search.order} onClose={() => setSearch({ order: "" })} />
    </Page>
  );
}
