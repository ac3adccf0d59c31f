/** Life cycles as the pages draw them: rows of states that follow each other, and those that end or halt apart. */
export interface Life {
  path: readonly string[];
  aside: readonly string[];
}

export const sessionLife: Life = {
  path: ["idle", "starting", "running", "paused", "draining", "stopping", "stopped"],
  aside: ["flattening", "error", "emergency"],
};

export const positionLife: Life = {
  path: ["opening", "entry_confirmation", "running", "breakeven", "partial_closed", "trailing", "exiting", "closed"],
  aside: [],
};

/** What may follow a state of the session (the legal moves of the table in the program, without those of a restart). */
export const sessionNext: Readonly<Record<string, readonly string[]>> = {
  idle: ["starting", "emergency"],
  starting: ["running", "paused", "stopping", "flattening", "error", "emergency"],
  running: ["paused", "draining", "stopping", "flattening", "error", "emergency"],
  paused: ["running", "draining", "stopping", "flattening", "error", "emergency"],
  draining: ["stopping", "stopped", "flattening", "error", "emergency"],
  stopping: ["stopped", "flattening", "error", "emergency"],
  flattening: ["stopped", "emergency"],
  error: ["starting", "stopping", "flattening", "emergency"],
  emergency: ["idle", "flattening"],
  stopped: ["idle", "starting", "flattening", "emergency"],
};
