import { Scissors, ShieldCheck, X, XCircle } from "lucide-react";
import { api, fetchApi, unwrap } from "../api/client";
import type { Position } from "../api/types";
import { formatQuantity, formatR, formatUsd, shortSymbol } from "../domain/format";
import { commandsText as t } from "../texts/commands";
import { positionLine } from "./engine";
import { engineAllows, roleAllows } from "./rules";
import { type Command, type CommandContext, forbidden, outcomeOf, type Verdict } from "./types";

const group = t("group.positions");

function isOpen(position: Position): boolean {
  return position.state !== "closed" && position.state !== "exiting";
}

function onOpen(context: CommandContext, position: Position, isEmergency = false): Verdict {
  return isOpen(position) ? roleAllows(context, "operator", isEmergency) : forbidden(t("why.closed"));
}

async function close(position: Position, fraction: number, urgency: "normal" | "immediate"): Promise<{ message: string | null }> {
  const reply = await unwrap(
    api().POST("/api/trading/positions/{id}/close", {
      params: { path: { id: position.position_id } },
      body: { fraction, urgency },
    }),
  );
  return { message: "message" in reply && typeof reply.message === "string" ? reply.message : null };
}

export interface CloseArgs {
  position: Position;
  /** (0, 1] */
  fraction: number;
}

export const closePart: Command<CloseArgs> = {
  id: "position.close",
  group,
  label: ({ fraction }) => t("close.label", { share: Math.round(fraction * 100) }),
  icon: Scissors,
  role: "operator",
  allowed: (context, { position }) => onOpen(context, position),
  confirm: (_context, { position, fraction }) => ({
    form: { kind: "plain" },
    effect: [
      t("close.effect", {
        qty: formatQuantity(position.qty * fraction),
        symbol: shortSymbol(position.symbol),
        side: position.side,
        pnl: formatUsd(position.pnl_unrealised_usd == null ? null : position.pnl_unrealised_usd * fraction, true),
      }),
    ],
  }),
  run: (_context, { position, fraction }) => close(position, fraction, "normal"),
};

export const closeNow: Command<{ position: Position }> = {
  id: "position.close-now",
  group,
  label: () => t("closeNow.label"),
  icon: X,
  role: "operator",
  isDangerous: true,
  allowed: (context, { position }) => onOpen(context, position, true),
  confirm: (_context, { position }) => ({
    form: { kind: "hold" },
    isDangerous: true,
    effect: [
      t("closeNow.effect", {
        qty: formatQuantity(position.qty),
        symbol: shortSymbol(position.symbol),
        side: position.side,
        pnl: formatUsd(position.pnl_unrealised_usd, true),
        r: formatR(position.pnl_r),
      }),
    ],
  }),
  run: (_context, { position }) => close(position, 1, "immediate"),
};

export const breakeven: Command<{ position: Position }> = {
  id: "position.breakeven",
  group,
  label: () => t("breakeven.label"),
  icon: ShieldCheck,
  role: "operator",
  allowed: (context, { position }) => onOpen(context, position),
  confirm: () => null,
  run: async (_context, { position }) => {
    await fetchApi(`/api/trading/positions/${encodeURIComponent(position.position_id)}/stop`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ to: "breakeven" }),
    });
    return { message: shortSymbol(position.symbol) };
  },
};

export const closeAll: Command = {
  id: "positions.close-all",
  group,
  label: () => t("closeAll.label"),
  icon: XCircle,
  role: "operator",
  isDangerous: true,
  allowed: (context) =>
    context.positions.length === 0 && context.isLive
      ? forbidden(t("why.closed"))
      : engineAllows(context, "close_position", "operator", true),
  confirm: (context) => ({
    form: { kind: "hold" },
    isDangerous: true,
    effect: [t("closeAll.effect", { n: context.positions.length }), ...context.positions.map(positionLine)],
  }),
  run: async () => {
    const reply = await fetchApi("/api/trading/positions/close-all", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ confirm: true }),
    });
    return outcomeOf((await reply.json()) as { message: string | null });
  },
};
