import { Ban, ListX } from "lucide-react";
import { api, unwrap } from "../api/client";
import type { Order } from "../api/types";
import { formatQuantity, shortSymbol } from "../domain/format";
import { commandsText as t } from "../texts/commands";
import { roleAllows } from "./rules";
import { type Command, type CommandContext, forbidden, type Verdict } from "./types";

const group = t("group.orders");
const ENDED = new Set(["filled", "cancelled", "rejected", "cancelling"]);

function cancelAllowed(context: CommandContext, order: Order): Verdict {
  if (ENDED.has(order.state)) return forbidden(t("why.ended"));
  if (order.purpose === "stop") return forbidden(t("why.stop"));
  return roleAllows(context, "operator");
}

export const cancelOrder: Command<{ order: Order }> = {
  id: "order.cancel",
  group,
  label: () => t("cancelOrder.label"),
  icon: Ban,
  role: "operator",
  allowed: (context, { order }) => cancelAllowed(context, order),
  confirm: (_context, { order }) => ({
    form: { kind: "plain" },
    effect: [
      t("cancelOrder.effect", {
        purpose: order.purpose,
        side: order.side,
        qty: formatQuantity(order.remaining_qty, order.symbol),
        symbol: shortSymbol(order.symbol),
      }),
    ],
  }),
  run: async (_context, { order }) => {
    await unwrap(api().DELETE("/api/trading/orders/{id}", { params: { path: { id: order.client_order_id } } }));
    return { message: shortSymbol(order.symbol) };
  },
};

export const cancelEntries: Command<{ count: number }> = {
  id: "orders.cancel-entries",
  group,
  label: () => t("cancelEntries.label"),
  icon: ListX,
  role: "operator",
  allowed: (context) => roleAllows(context, "operator"),
  confirm: (_context, { count }) => ({ form: { kind: "plain" }, effect: [t("cancelEntries.effect", { n: count })] }),
  run: async () => {
    const { cancelled, pending } = await unwrap(api().POST("/api/trading/orders/cancel-all", { body: { purpose: "entry" } }));
    return { message: t("cancelEntries.done", { cancelled: cancelled.length, pending: pending.length }) };
  },
};
