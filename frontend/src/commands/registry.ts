import * as engine from "./engine";
import { density, emergencySheet, keyHelp, navigation, palette, theme } from "./frame";
import { closeAll } from "./positions";
import type { Command } from "./types";

/** Commands that need no object chosen first: what the palette lists and the keyboard reaches from anywhere. */
export const globalCommands: readonly Command[] = [
  engine.start,
  engine.pause,
  engine.resume,
  engine.scanNow,
  engine.reload,
  engine.timeStop,
  engine.stopKeep,
  engine.stopClose,
  engine.retry,
  engine.reset,
  emergencySheet,
  engine.emergencyStop,
  engine.panicExit,
  engine.killSwitch,
  closeAll,
  ...navigation,
  theme,
  density,
  keyHelp,
  palette,
];
