import {
  CirclePause,
  CirclePlay,
  Hourglass,
  OctagonX,
  Power,
  RefreshCw,
  RotateCcw,
  ScanSearch,
  Siren,
  Square,
  TriangleAlert,
  Undo2,
} from "lucide-react";
import { api, unwrap } from "../api/client";
import type { Position } from "../api/types";
import { formatDateTime, formatQuantity, formatR, formatUsd, humanise, shortSymbol } from "../domain/format";
import { commandsText as t } from "../texts/commands";
import { engineAllows } from "./rules";
import { type Command, type CommandContext, outcomeOf } from "./types";

const group = t("group.engine");
const emergencyGroup = t("group.emergency");

export function positionLine(position: Position): string {
  return t("line.position", {
    symbol: shortSymbol(position.symbol),
    side: position.side,
    qty: formatQuantity(position.qty, position.symbol),
    pnl: formatUsd(position.pnl_usd, true),
    r: formatR(position.pnl_r),
  });
}

function lines(context: CommandContext): string[] {
  return context.positions.map(positionLine);
}

/** Preset and mode of a start on paper; without a preset the server's default. */
export interface StartArgs {
  preset?: string | undefined;
}

export const start: Command<StartArgs | undefined> = {
  id: "engine.start",
  group,
  label: () => t("start.label"),
  icon: CirclePlay,
  role: "operator",
  allowed: (context) => engineAllows(context, "start", "operator"),
  confirm: () => null,
  run: async (_context, args) => {
    const preset = args?.preset;
    return outcomeOf(
      await unwrap(api().POST("/api/engine/start", { body: { mode: "paper", ...(preset === undefined ? {} : { preset }) } })),
    );
  },
};

/** Live wants the words START LIVE; the page of the engine shows account and limits above. */
export const startLive: Command<{ preset: string; facts: string[] }> = {
  id: "engine.start-live",
  group,
  label: () => t("start.live"),
  icon: Power,
  role: "operator",
  isDangerous: true,
  allowed: (context) => engineAllows(context, "start", "operator"),
  confirm: (context, { preset, facts }) => ({
    form: { kind: "type", word: "START LIVE" },
    isDangerous: true,
    effect: [t("startLive.warn", { venue: context.engine?.venue ?? "" }), t("startLive.preset", { preset }), ...facts],
  }),
  run: async (_context, { preset }) =>
    outcomeOf(await unwrap(api().POST("/api/engine/start", { body: { preset, mode: "live", confirm: "START LIVE" } }))),
};

export const pause: Command = {
  id: "engine.pause",
  group,
  label: () => t("pause.label"),
  icon: CirclePause,
  shortcut: "shift+p",
  role: "operator",
  allowed: (context) => engineAllows(context, "pause", "operator"),
  confirm: (context) =>
    context.positions.length === 0
      ? null
      : { form: { kind: "plain" }, effect: [t("pause.effect", { n: context.positions.length })] },
  run: async () => outcomeOf(await unwrap(api().POST("/api/engine/pause", { body: {} }))),
};

export const resume: Command = {
  id: "engine.resume",
  group,
  label: () => t("resume.label"),
  icon: CirclePlay,
  role: "operator",
  allowed: (context) => engineAllows(context, "resume", "operator"),
  confirm: () => null,
  run: async () => outcomeOf(await unwrap(api().POST("/api/engine/resume", { body: {} }))),
};

export const scanNow: Command = {
  id: "engine.scan-now",
  group,
  label: () => t("scan.label"),
  icon: ScanSearch,
  role: "operator",
  allowed: (context) => engineAllows(context, "scan_now", "operator"),
  confirm: () => null,
  run: async () => outcomeOf(await unwrap(api().POST("/api/engine/scan-now", { body: {} }))),
};

export const reload: Command = {
  id: "engine.reload",
  group,
  label: () => t("reload.label"),
  icon: RefreshCw,
  role: "operator",
  allowed: (context) => engineAllows(context, "reload", "operator"),
  look: async () => {
    const { preset, changed, warnings } = await unwrap(api().GET("/api/engine/reload"));
    const keys = changed.map(({ key, old, new: next }) => t("reload.key", { key, from: old, to: next }));
    return {
      form: { kind: "plain" },
      effect: [
        keys.length === 0 ? t("reload.nothing", { preset }) : t("reload.effect", { preset, n: keys.length }),
        ...keys,
        ...warnings,
      ],
    };
  },
  confirm: () => null,
  run: async () => outcomeOf(await unwrap(api().POST("/api/engine/reload", { body: {} }))),
};

export const timeStop: Command = {
  id: "engine.time-stop",
  group,
  label: () => t("timeStop.label"),
  icon: Hourglass,
  role: "operator",
  allowed: (context) => engineAllows(context, "time_stop", "operator"),
  confirm: (context) => ({
    form: { kind: "plain" },
    effect: [t("timeStop.effect", { n: context.positions.length }), ...lines(context)],
  }),
  run: async () => outcomeOf(await unwrap(api().POST("/api/engine/time-stop", { body: {} }))),
};

function makeStop(id: string, positions: "keep" | "close"): Command {
  const isClosing = positions === "close";
  return {
    id,
    group,
    label: () => t(isClosing ? "stopClose.label" : "stopKeep.label"),
    icon: Square,
    role: "operator",
    isDangerous: isClosing,
    allowed: (context) => engineAllows(context, "stop", "operator"),
    confirm: (context) => ({
      form: { kind: isClosing && context.positions.length > 0 ? "hold" : "plain" },
      isDangerous: isClosing,
      effect: [t(isClosing ? "stop.close" : "stop.keep", { n: context.positions.length }), ...lines(context)],
    }),
    run: async () => outcomeOf(await unwrap(api().POST("/api/engine/stop", { body: { positions } }))),
  };
}
export const stopKeep = makeStop("engine.stop-keep", "keep");
export const stopClose = makeStop("engine.stop-close", "close");

export const retry: Command = {
  id: "engine.retry",
  group,
  label: () => t("retry.label"),
  icon: RotateCcw,
  role: "operator",
  allowed: (context) => engineAllows(context, "retry", "operator"),
  confirm: () => null,
  run: async () => outcomeOf(await unwrap(api().POST("/api/engine/retry", { body: {} }))),
};

export const reset: Command = {
  id: "engine.reset",
  group,
  label: () => t("reset.label"),
  icon: Undo2,
  role: "admin",
  allowed: (context) => engineAllows(context, "reset", "admin"),
  confirm: (context) => {
    const latch = context.engine?.latch;
    return {
      form: { kind: "type", word: "RESET" },
      needsReason: true,
      tick: t("reset.drawdown"),
      effect: [
        t("reset.effect"),
        ...(latch ? [t("reset.latch", { cause: humanise(latch.cause ?? ""), since: formatDateTime(latch.since_at) })] : []),
        ...lines(context),
      ],
    };
  },
  run: async (_context, _args, { reason, isTicked }) =>
    outcomeOf(
      await unwrap(api().POST("/api/engine/reset", { body: { confirm: "RESET", reason, acknowledge_drawdown: isTicked } })),
    ),
};

export const panicExit: Command = {
  id: "engine.panic-exit",
  group: emergencyGroup,
  label: () => t("panic.label"),
  icon: TriangleAlert,
  role: "operator",
  isDangerous: true,
  allowed: (context) => engineAllows(context, "panic_exit", "operator", true),
  confirm: (context) => ({
    form: { kind: "hold" },
    isDangerous: true,
    effect: [t("panic.effect", { n: context.positions.length }), ...lines(context)],
  }),
  run: async () => outcomeOf(await unwrap(api().POST("/api/engine/panic-exit", { body: { confirm: true } }))),
};

export const killSwitch: Command = {
  id: "engine.kill-switch",
  group: emergencyGroup,
  label: () => t("kill.label"),
  icon: OctagonX,
  role: "operator",
  isDangerous: true,
  allowed: (context) => engineAllows(context, "kill_switch", "operator", true),
  confirm: (context) => ({
    form: { kind: "hold" },
    isDangerous: true,
    needsReason: true,
    effect: [t("kill.effect", { n: context.positions.length }), ...lines(context)],
  }),
  run: async (_context, _args, { reason }) =>
    outcomeOf(await unwrap(api().POST("/api/engine/kill-switch", { body: { confirm: true, reason } }))),
};

export const emergencyStop: Command = {
  id: "engine.emergency-stop",
  group: emergencyGroup,
  label: () => t("emergency.label"),
  icon: Siren,
  role: "operator",
  isDangerous: true,
  allowed: (context) => engineAllows(context, "emergency_stop", "operator", true),
  confirm: (context) => ({
    form: { kind: "hold" },
    isDangerous: true,
    effect: [t("emergency.effect", { n: context.positions.length }), ...lines(context)],
  }),
  run: async () => outcomeOf(await unwrap(api().POST("/api/engine/emergency-stop", { body: {} }))),
};
