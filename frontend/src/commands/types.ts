import type { LucideIcon } from "lucide-react";
import type { Role } from "../api/session";
import type { EngineStatus, Position } from "../api/types";
import type { ConfirmForm } from "../ui/confirm-dialog";

/** What a command may look at when it says whether it is allowed and what it would do. */
export interface CommandContext {
  engine: EngineStatus | undefined;
  /** Open positions; empty while not known. */
  positions: readonly Position[];
  role: Role;
  /** The server confirms our numbers; emergency commands work without. */
  isLive: boolean;
  frame: FrameActions;
}

/** What the frame of the application can do for a command. */
export interface FrameActions {
  go: (path: string) => void;
  openEmergencySheet: () => void;
  openPalette: () => void;
  openKeyHelp: () => void;
  switchTheme: () => void;
  switchDensity: () => void;
}

export type Verdict = { isAllowed: true } | { isAllowed: false; why: string };

export interface Confirmation {
  form: ConfirmForm;
  /** What will happen, in numbers. */
  effect: string[];
  isDangerous?: boolean;
  needsReason?: boolean;
  /** A box that can be ticked; handed to run as answer.isTicked. */
  tick?: string;
}

interface Answer {
  reason: string;
  isTicked: boolean;
}

/** What was done: the server's message for the toast; null says nothing (navigation). */
export interface Outcome {
  message: string | null;
}

/** An order a user can give. Buttons, palette and keyboard read the one object. */
export interface Command<Args = undefined> {
  id: string;
  group: string;
  label: (args: Args) => string;
  icon: LucideIcon;
  shortcut?: string;
  role: Role;
  isDangerous?: boolean;
  allowed: (context: CommandContext, args: Args) => Verdict;
  /** What the server says that it would do, asked before the question; takes the place of confirm. */
  look?: (context: CommandContext, args: Args) => Promise<Confirmation | null>;
  /** null: runs at once. */
  confirm: (context: CommandContext, args: Args) => Confirmation | null;
  run: (context: CommandContext, args: Args, answer: Answer) => Promise<Outcome>;
}

export const ALLOWED: Verdict = { isAllowed: true };

export function forbidden(why: string): Verdict {
  return { isAllowed: false, why };
}

export function outcomeOf(reply: { message: string | null }): Outcome {
  return { message: reply.message };
}
