import type { Tone } from "./format";

/** What the frame says of the engine: mode, tone of its state, icon of the tab. */
interface EngineWords {
  mode?: string | null;
  demo: boolean;
  session_state: string;
  latch?: unknown;
}

export type ModeWord = "demo" | "paper" | "live" | "halted" | "none";

const AT_REST = new Set(["idle", "stopped"]);

/** The word of the mode badge. A latched emergency outranks the mode; a demo is called so even before a session. */
export function modeOf(engine: EngineWords): ModeWord {
  if (engine.session_state === "emergency" || (engine.latch !== null && engine.latch !== undefined)) return "halted";
  if (engine.demo) return "demo";
  if (AT_REST.has(engine.session_state) || engine.mode == null) return "none";
  return engine.mode === "live" ? "live" : "paper";
}

export function stateTone(state: string): Tone {
  switch (state) {
    case "running":
      return "up";
    case "starting":
      return "accent";
    case "paused":
    case "draining":
    case "stopping":
      return "warn";
    case "flattening":
    case "error":
    case "emergency":
      return "down";
    default:
      return "neutral";
  }
}

export function iconOf(engine: EngineWords | undefined, isLive: boolean): "idle" | "running" | "paused" | "halted" | "off" {
  if (!engine || !isLive) return "off";
  const tone = stateTone(engine.session_state);
  if (tone === "down") return "halted";
  if (tone === "up") return "running";
  return tone === "neutral" ? "idle" : "paused";
}
