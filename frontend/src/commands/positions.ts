import { HandGrab, ListTree, MoveVertical, Scissors, ShieldCheck, X, XCircle } from "lucide-react";
import { api, unwrap } from "../api/client";
import type { Position } from "../api/types";
import { formatPrice, formatQuantity, formatR, formatUsd, shortSymbol } from "../domain/format";
import { judgeStop, riskInR } from "../domain/position";
import { toApiError } from "../domain/problem";
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
  return outcomeOf(reply.operation);
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
        qty: formatQuantity(position.qty * fraction, position.symbol),
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
        qty: formatQuantity(position.qty, position.symbol),
        symbol: shortSymbol(position.symbol),
        side: position.side,
        pnl: formatUsd(position.pnl_unrealised_usd, true),
        r: formatR(position.pnl_r),
      }),
    ],
  }),
  run: (_context, { position }) => close(position, 1, "immediate"),
};

function moveTo(position: Position, body: { to: "breakeven" } | { price: number; confirm?: boolean }): Promise<Position> {
  return unwrap(api().POST("/api/trading/positions/{id}/stop", { params: { path: { id: position.position_id } }, body }));
}

function movedTo(position: Position): string {
  return t("moveStop.done", { symbol: shortSymbol(position.symbol), price: formatPrice(position.stop, position.symbol) });
}

export const breakeven: Command<{ position: Position }> = {
  id: "position.breakeven",
  group,
  label: () => t("breakeven.label"),
  icon: ShieldCheck,
  role: "operator",
  allowed: (context, { position }) => onOpen(context, position),
  confirm: () => null,
  run: async (_context, { position }) => ({ message: movedTo(await moveTo(position, { to: "breakeven" })) }),
};

export interface StopArgs {
  position: Position;
  price: number;
}

function isLoosened({ position, price }: StopArgs): boolean {
  return judgeStop(position, price).kind === "loosen";
}

/** Tightening happens at once; loosening says what it may cost and wants a confirmation. */
export const moveStop: Command<StopArgs> = {
  id: "position.move-stop",
  group,
  label: () => t("moveStop.label"),
  icon: MoveVertical,
  role: "operator",
  allowed: (context, { position }) => onOpen(context, position),
  confirm: (_context, args) => {
    const { position, price } = args;
    const verdict = judgeStop(position, price);
    if (verdict.kind !== "loosen") return null;
    return {
      form: { kind: "plain" },
      isDangerous: true,
      effect: [
        t("moveStop.loosen", {
          symbol: shortSymbol(position.symbol),
          from: formatPrice(position.stop, position.symbol),
          to: formatPrice(price),
        }),
        t("moveStop.risk", {
          more: formatUsd(verdict.riskChangeUsd),
          risk: formatUsd(verdict.riskUsd),
          r: formatR(riskInR(position, price)),
        }),
      ],
    };
  },
  run: async (_context, args) => ({
    message: movedTo(await moveTo(args.position, { price: args.price, ...(isLoosened(args) ? { confirm: true } : {}) })),
  }),
};

export interface TargetsArgs {
  position: Position;
  targets: readonly { level_name: string; price: number; size_pct: number }[];
}

/** The editor shows the effect in numbers before it gives this command. */
export const setTargets: Command<TargetsArgs> = {
  id: "position.set-targets",
  group,
  label: () => t("targets.label"),
  icon: ListTree,
  role: "operator",
  allowed: (context, { position }) =>
    position.entry_completed_at === null && isOpen(position) ? forbidden(t("why.entry")) : onOpen(context, position),
  confirm: () => null,
  run: async (_context, { position, targets }) => {
    await unwrap(
      api().POST("/api/trading/positions/{id}/targets", {
        params: { path: { id: position.position_id } },
        body: { targets: [...targets] },
      }),
    );
    return { message: t("targets.done", { symbol: shortSymbol(position.symbol), n: targets.length }) };
  },
};

/** A position of the account that is not ours. */
export interface AdoptArgs {
  foreign: { id: string; symbol: string; side: string; qty: number };
  stop: number;
  preset: string;
}

export const adopt: Command<AdoptArgs> = {
  id: "position.adopt",
  group,
  label: () => t("adopt.label"),
  icon: HandGrab,
  role: "admin",
  allowed: (context) => roleAllows(context, "admin"),
  confirm: (_context, { foreign, stop }) => ({
    form: { kind: "plain" },
    effect: [
      t("adopt.effect", {
        qty: formatQuantity(foreign.qty, foreign.symbol),
        symbol: shortSymbol(foreign.symbol),
        side: foreign.side,
        stop: formatPrice(stop),
      }),
    ],
  }),
  run: async (_context, { foreign, stop, preset }) => {
    await unwrap(
      api().POST("/api/trading/positions/{id}/adopt", { params: { path: { id: foreign.id } }, body: { stop, preset } }),
    );
    return { message: t("adopt.done", { symbol: shortSymbol(foreign.symbol) }) };
  },
};

/** Does something to each position, and says which ones refused. */
async function forEach(positions: readonly Position[], act: (position: Position) => Promise<unknown>): Promise<string> {
  const refused: string[] = [];
  for (const position of positions) {
    try {
      await act(position);
    } catch (thrown) {
      refused.push(t("bulk.refused", { symbol: shortSymbol(position.symbol), why: toApiError(thrown).message }));
    }
  }
  if (refused.length === positions.length) throw new Error(refused.join(" "));
  return [t("bulk.done", { n: positions.length - refused.length, total: positions.length }), ...refused].join(" ");
}

export const closeSelected: Command<{ positions: readonly Position[] }> = {
  id: "positions.close-selected",
  group,
  label: ({ positions }) => t("closeSelected.label", { n: positions.length }),
  icon: X,
  role: "operator",
  isDangerous: true,
  allowed: (context, { positions }) =>
    positions.length === 0 ? forbidden(t("why.noneSelected")) : roleAllows(context, "operator", true),
  confirm: (_context, { positions }) => ({
    form: { kind: "hold" },
    isDangerous: true,
    effect: [t("closeAll.effect", { n: positions.length }), ...positions.map(positionLine)],
  }),
  run: async (_context, { positions }) => ({ message: await forEach(positions, (position) => close(position, 1, "immediate")) }),
};

export const breakevenSelected: Command<{ positions: readonly Position[] }> = {
  id: "positions.breakeven-selected",
  group,
  label: ({ positions }) => t("breakevenSelected.label", { n: positions.length }),
  icon: ShieldCheck,
  role: "operator",
  allowed: (context, { positions }) =>
    positions.length === 0 ? forbidden(t("why.noneSelected")) : roleAllows(context, "operator"),
  confirm: () => null,
  run: async (_context, { positions }) => ({
    message: await forEach(positions, (position) => moveTo(position, { to: "breakeven" })),
  }),
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
  run: async () =>
    outcomeOf((await unwrap(api().POST("/api/trading/positions/close-all", { body: { confirm: true } }))).operation),
};
