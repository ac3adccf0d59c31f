import { Link } from "@tanstack/react-router";
import type { Fill, Order } from "../../api/types";
import { CommandButton } from "../../commands/host";
import { cancelOrder } from "../../commands/orders";
import { humanise, type Tone } from "../../domain/format";
import { ordersText as t } from "../../texts/orders";
import { Badge } from "../../ui/badge";
import { symbolColumn } from "../../ui/columns";
import { type Column, DataTable } from "../../ui/data-table";
import { Panel } from "../../ui/panel";
import { Time, TimeAgo } from "../../ui/time";
import { Price, Quantity, Usd, Value } from "../../ui/value";

const tones: Partial<Record<Order["state"], Tone>> = {
  working: "accent",
  untriggered: "accent",
  partially_filled: "warn",
  filled: "up",
  rejected: "down",
  unknown: "down",
  cancelling: "warn",
};

const ended = new Set<Order["state"]>(["filled", "cancelled", "rejected"]);

/** bb-A41WWJ-00000003-T01-00 → 3-T01-00: the run's prefix is the same in every row. */
function shortId(id: string): string {
  const [, , plan = id, ...rest] = id.split("-");
  return [plan.replace(/^0+(?=.)/, ""), ...rest].join("-");
}

const orderColumns: readonly Column<Order>[] = [
  {
    id: "id",
    header: t("column.id"),
    cell: (row) => (
      <span className="mono small" title={row.client_order_id}>
        {shortId(row.client_order_id)}
      </span>
    ),
    sort: (row) => row.client_order_id,
  },
  symbolColumn(t("column.symbol")),
  {
    id: "purpose",
    header: t("column.purpose"),
    cell: (row) => `${humanise(row.purpose)}${row.level_name === null ? "" : ` ${row.level_name}`}`,
    sort: (row) => row.purpose,
  },
  {
    id: "side",
    header: t("column.side"),
    cell: (row) => <span className={row.side === "buy" ? "tone-up" : "tone-down"}>{row.side}</span>,
    sort: (row) => row.side,
  },
  { id: "type", header: t("column.type"), cell: (row) => humanise(row.type), sort: (row) => row.type },
  {
    id: "qty",
    header: t("column.qty"),
    cell: (row) => <Quantity symbol={row.symbol} value={row.qty} />,
    sort: (row) => row.qty,
    align: "end",
  },
  {
    id: "filled",
    header: t("column.filled"),
    cell: (row) => <Quantity symbol={row.symbol} value={row.filled_qty} />,
    sort: (row) => row.filled_qty,
    align: "end",
  },
  {
    id: "price",
    header: t("column.price"),
    cell: (row) => <Price symbol={row.symbol} value={row.price} reason={t("unknown.price")} />,
    sort: (row) => row.price,
    align: "end",
  },
  {
    id: "average",
    header: t("column.average"),
    cell: (row) => <Price symbol={row.symbol} value={row.average_price} reason={t("unknown.average")} />,
    sort: (row) => row.average_price,
    align: "end",
  },
  {
    id: "trigger",
    header: t("column.trigger"),
    cell: (row) => <Price symbol={row.symbol} value={row.trigger_price} reason={t("unknown.trigger")} />,
    sort: (row) => row.trigger_price,
    align: "end",
  },
  {
    id: "state",
    header: t("column.state"),
    cell: (row) => <Badge tone={tones[row.state]}>{humanise(row.state)}</Badge>,
    sort: (row) => row.state,
  },
  {
    id: "age",
    header: t("column.age"),
    cell: (row) => <TimeAgo at={row.created_at} />,
    sort: (row) => row.created_at,
    align: "end",
  },
  {
    id: "updated",
    header: t("column.updated"),
    cell: (row) => <TimeAgo at={row.updated_at} />,
    sort: (row) => row.updated_at,
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
    id: "flags",
    header: t("column.flags"),
    cell: (row) =>
      [row.time_in_force, row.post_only && t("flag.post"), row.reduce_only && t("flag.reduce")].filter(Boolean).join(" · "),
    isHiddenByDefault: true,
  },
  {
    id: "reason",
    header: t("column.reason"),
    cell: (row) => <Value reason={t("unknown.reason")}>{row.reject_text ?? row.reject_code}</Value>,
    sort: (row) => row.reject_code,
  },
];

/** The same with a button to cancel what can be cancelled. */
export const liveOrderColumns: readonly Column<Order>[] = [
  ...orderColumns,
  {
    id: "actions",
    header: t("column.actions"),
    cell: (row) =>
      ended.has(row.state) ? null : (
        // Keeps a click on the button from opening the row.
        // eslint-disable-next-line jsx-a11y/no-static-element-interactions, jsx-a11y/click-events-have-key-events
        <span onClick={(event) => event.stopPropagation()}>
          <CommandButton command={cancelOrder} args={{ order: row }} size="compact-sm" />
        </span>
      ),
  },
];

const fillColumns: readonly Column<Fill>[] = [
  { id: "ts", header: t("fills.time"), cell: (row) => <Time at={row.ts} />, sort: (row) => row.ts, isTitle: true },
  {
    id: "side",
    header: t("fills.side"),
    cell: (row) => <span className={row.side === "buy" ? "tone-up" : "tone-down"}>{row.side}</span>,
    sort: (row) => row.side,
  },
  {
    id: "qty",
    header: t("fills.qty"),
    cell: (row) => <Quantity symbol={row.symbol} value={row.qty} />,
    sort: (row) => row.qty,
    align: "end",
  },
  {
    id: "price",
    header: t("fills.price"),
    cell: (row) => <Price symbol={row.symbol} value={row.price} />,
    sort: (row) => row.price,
    align: "end",
  },
  {
    id: "value",
    header: t("fills.value"),
    cell: (row) => <Usd value={row.price * row.qty} />,
    sort: (row) => row.price * row.qty,
    align: "end",
  },
  { id: "fee", header: t("fills.fee"), cell: (row) => <Usd value={row.fee_usd} />, sort: (row) => row.fee_usd, align: "end" },
  { id: "liquidity", header: t("fills.liquidity"), cell: (row) => row.liquidity, sort: (row) => row.liquidity },
  {
    id: "order",
    header: t("fills.order"),
    cell: (row) =>
      row.client_order_id === null ? (
        <Value reason={t("fills.noOrder")}>{null}</Value>
      ) : (
        <Link to="/trading/orders" search={{ order: row.client_order_id, state: "all" } as never} className="mono small">
          {shortId(row.client_order_id)}
        </Link>
      ),
    sort: (row) => row.client_order_id,
  },
];

export function FillTable({ fills }: { fills: readonly Fill[] }) {
  return (
    <DataTable
      id="orders.fills"
      label={t("fills.title")}
      rows={fills}
      columns={fillColumns}
      rowKey={(row) => String(row.fill_id)}
      defaultSort="-ts"
      maxHeight={320}
      empty={t("fills.none")}
    />
  );
}

/** Orders and fills of a position or trade. */
export function OrdersOf({
  orders,
  fills,
  onOpen,
}: {
  orders: readonly Order[];
  fills: readonly Fill[];
  onOpen: (id: string) => void;
}) {
  return (
    <>
      <Panel title={t("orders.title")} note={orders.length} isFlush>
        <DataTable
          id="orders.of"
          label={t("orders.title")}
          rows={orders}
          columns={liveOrderColumns.filter(({ id }) => id !== "symbol")}
          rowKey={(row) => row.client_order_id}
          defaultSort="-age"
          maxHeight={360}
          onOpen={(row) => onOpen(row.client_order_id)}
          empty={t("orders.none")}
        />
      </Panel>
      <Panel title={t("fills.title")} note={fills.length} isFlush>
        <FillTable fills={fills} />
      </Panel>
    </>
  );
}
