import { Modal } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useRefreshOn } from "../../api/use-refresh";
import { CommandButton } from "../../commands/host";
import { cancelOrder } from "../../commands/orders";
import { humanise, shortSymbol } from "../../domain/format";
import { ordersText as t } from "../../texts/orders";
import { Badge } from "../../ui/badge";
import { type Column, DataTable } from "../../ui/data-table";
import { Fact } from "../../ui/fact";
import { Panel } from "../../ui/panel";
import { Time } from "../../ui/time";
import { Price, Quantity, Value } from "../../ui/value";
import css from "./orders.module.css";
import { type OrderChange, orderKey, orderQuery } from "./queries";
import { FillTable } from "./tables";

const historyColumns: readonly Column<OrderChange>[] = [
  { id: "ts", header: t("history.time"), cell: (row) => <Time at={row.ts} millis />, isTitle: true },
  { id: "from", header: t("history.from"), cell: (row) => (row.from == null ? t("history.begin") : humanise(row.from)) },
  { id: "to", header: t("history.to"), cell: (row) => <strong>{humanise(row.to)}</strong> },
  { id: "trigger", header: t("history.trigger"), cell: (row) => humanise(row.trigger) },
];

function Body({ id }: { id: string }) {
  const query = useQuery(orderQuery(id));
  useRefreshOn(
    ["ORDER_UPDATED", "ORDER_CANCELED", "ORDER_UPDATE", "FILL"],
    orderKey(id),
    (data) => data["client_order_id"] === id || data["orders"] !== undefined,
  );
  return (
    <Panel title={t("detail.title", { id })} query={query} level={3}>
      {({ order, fills, history }) => (
        <div className="stack">
          <div className="row">
            <strong>{shortSymbol(order.symbol)}</strong>
            <span>
              {humanise(order.purpose)} · {order.side} · {humanise(order.type)}
            </span>
            <Badge>{humanise(order.state)}</Badge>
            <CommandButton command={cancelOrder} args={{ order }} />
          </div>
          <dl className={css.facts}>
            <Fact name={t("column.qty")}>
              <Quantity symbol={order.symbol} value={order.qty} />
            </Fact>
            <Fact name={t("column.filled")}>
              <Quantity symbol={order.symbol} value={order.filled_qty} />
            </Fact>
            <Fact name={t("column.price")}>
              <Price symbol={order.symbol} value={order.price} reason={t("unknown.price")} />
            </Fact>
            <Fact name={t("column.trigger")}>
              <Price symbol={order.symbol} value={order.trigger_price} reason={t("unknown.trigger")} />
            </Fact>
            <Fact name={t("column.average")}>
              <Price symbol={order.symbol} value={order.average_price} reason={t("unknown.average")} />
            </Fact>
            <Fact name={t("detail.tif")}>{order.time_in_force}</Fact>
            <Fact name={t("detail.attempt")}>{order.attempt + 1}</Fact>
            <Fact name={t("detail.venueId")}>
              <Value reason={t("detail.noVenueId")}>{order.venue_order_id}</Value>
            </Fact>
            <Fact name={t("detail.position")}>
              {order.position_id === null ? (
                <Value reason={t("detail.noPosition")}>{null}</Value>
              ) : (
                <Link to="/trading/positions/$id" params={{ id: order.position_id }}>
                  {order.position_id}
                </Link>
              )}
            </Fact>
            <Fact name={t("detail.sent")}>
              <Time at={order.sent_at} reason={t("detail.notYet")} />
            </Fact>
            <Fact name={t("detail.acked")}>
              <Time at={order.acked_at} reason={t("detail.notYet")} />
            </Fact>
            <Fact name={t("detail.ended")}>
              <Time at={order.ended_at} reason={t("detail.notYet")} />
            </Fact>
            <Fact name={t("column.reason")}>
              <Value reason={t("unknown.reason")}>{order.reject_text ?? order.reject_code}</Value>
            </Fact>
          </dl>
          <h4 className={css.heading}>{t("detail.history")}</h4>
          {history == null ? (
            <p className="text-2">{t("detail.noHistory")}</p>
          ) : (
            <DataTable
              id="orders.history"
              label={t("detail.history")}
              rows={history}
              columns={historyColumns}
              rowKey={(row) => `${row.ts}-${row.to}-${row.trigger}`}
              empty={t("detail.emptyHistory")}
              maxHeight={220}
            />
          )}
          <h4 className={css.heading}>{t("fills.title")}</h4>
          <FillTable fills={fills} />
        </div>
      )}
    </Panel>
  );
}

/** An order with its life and its fills. `id` "" is closed. */
export function OrderDialog({ id, onClose }: { id: string; onClose: () => void }) {
  return (
    <Modal
      opened={id !== ""}
      onClose={onClose}
      size="xl"
      title={t("orders.title")}
      closeButtonProps={{ "aria-label": t("detail.close") }}
    >
      {id !== "" && <Body id={id} />}
    </Modal>
  );
}
