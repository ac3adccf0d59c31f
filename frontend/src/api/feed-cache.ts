import { notifyManager, type QueryClient, type QueryKey } from "@tanstack/react-query";
import type { FeedMessage } from "./feed";
import { keys } from "./keys";

/** Writes the messages of the feed into the query cache. Messages are collected and written together ten times a second (prices four times), so that no panel paints
 * more often; nothing is written while the tab is hidden. `reduce` is pure: what a message makes of the rows of a key. */

type Item = Record<string, unknown>;
type Change = (before: unknown) => unknown;

const PAINT_MS = 100;
const PRICE_MS = 250;
const LIST_MAX = 500;
const LOGS_MAX = 5000;
const EQUITY_MAX = 3600;
/** A hidden tab writes when it has collected this many, so that its memory stays bounded. */
const HELD_MAX = 2000;

function list(before: unknown): Item[] {
  return Array.isArray(before) ? (before as Item[]) : [];
}

/** The list with the item in the place of the one with the same id, or in front. */
function upsert(id: string, item: Item, max = LIST_MAX): Change {
  return (before) => {
    const rows = list(before);
    const at = rows.findIndex((row) => row[id] === item[id]);
    if (at === -1) return [item, ...rows].slice(0, max);
    return rows.map((row, index) => (index === at ? item : row));
  };
}

/** As upsert, but only into a list that was loaded: half a list must not look like a whole one. */
function into(id: string, item: Item): Change {
  const change = upsert(id, item);
  return (before) => (before === undefined ? undefined : change(before));
}

function without(id: string, value: unknown): Change {
  return (before) => (before === undefined ? undefined : list(before).filter((row) => row[id] !== value));
}

function prepend(item: Item, max = LIST_MAX): Change {
  return (before) => [item, ...list(before)].slice(0, max);
}

const ENDED_ORDERS = new Set(["filled", "cancelled", "rejected"]);
const ENDED_CANDIDATES = new Set(["rejected", "entered", "expired"]);

function order(item: Item): Change {
  return ENDED_ORDERS.has(String(item["state"]))
    ? without("client_order_id", item["client_order_id"])
    : into("client_order_id", item);
}

function stopMoved(data: Item): Change {
  return (before) =>
    before === undefined
      ? undefined
      : list(before).map((row) =>
          row["position_id"] === data["position_id"] ? { ...row, stop: data["new_stop"], stop_rule: data["rule"] } : row,
        );
}

function bySymbol(rows: readonly Item[], receivedAt: number): Change {
  return (before) => {
    const prices = { ...(before as Record<string, Item> | undefined) };
    for (const row of rows) prices[String(row["symbol"])] = { ...row, receivedAt };
    return prices;
  };
}

function equityPoint(point: Item): Change {
  return (before) => [...list(before).filter((row) => row["ts"] !== point["ts"]), point].slice(-EQUITY_MAX);
}

/** A wall that came, changed or went, in the view of its symbol that was loaded. */
function wall(event: unknown, changed: Item): Change {
  return (before) => {
    if (typeof before !== "object" || before === null) return before;
    const view = before as { walls?: Item[] };
    const rest = (view.walls ?? []).filter((row) => row["price"] !== changed["price"] || row["side"] !== changed["side"]);
    return { ...view, walls: event === "wall_removed" ? rest : [...rest, changed] };
  };
}

function bySymbolKey(
  rows: readonly Item[],
  key: (symbol: string) => QueryKey,
  make: (rows: Item[]) => Change,
): [QueryKey, Change][] {
  const groups = new Map<string, Item[]>();
  for (const row of rows) groups.set(String(row["symbol"]), [...(groups.get(String(row["symbol"])) ?? []), row]);
  return [...groups].map(([symbol, of]) => [key(symbol), make(of)]);
}

/** A topic of many comes as items, one of one as object (null before there is one). */
function snapshot(data: Item, receivedAt: number): [QueryKey, Change][] {
  const rows = list(data["items"]);
  const object: Change = (before) => data["object"] ?? before;
  switch (data["topic"]) {
    case "engine":
      return [[keys.engine, object]];
    case "positions":
      return [[keys.positions, () => rows.filter((row) => row["state"] !== "closed")]];
    case "orders":
      return [[keys.orders, () => rows.filter((row) => !ENDED_ORDERS.has(String(row["state"])))]];
    case "scan":
      return [[keys.scan, object]];
    case "signals":
      return [[keys.signals, () => rows]];
    case "decisions":
      return [[keys.decisions, () => [...rows].sort((a, b) => Number(b["ts"]) - Number(a["ts"]))]];
    case "levels":
      return bySymbolKey(rows, keys.levels, (of) => () => of);
    case "density":
      return bySymbolKey(
        rows,
        keys.density,
        (of) => (before) => (typeof before === "object" && before !== null ? { ...before, walls: of } : before),
      );
    case "activity":
      return rows.map((row) => [keys.activity(String(row["symbol"])), () => row]);
    case "prices":
      return [[keys.prices, bySymbol(rows, receivedAt)]];
    case "risk":
      return [[keys.risk, object]];
    case "equity":
      return data["object"] === null || data["object"] === undefined ? [] : [[keys.equity, equityPoint(data["object"] as Item)]];
    case "alerts":
      return [[keys.alerts, () => rows]];
    case "logs":
      return [[keys.logs, () => rows]];
    case "backtests":
      return [[keys.runs, () => rows]];
    default:
      return [];
  }
}

/** What a message changes: keys of the cache and what becomes of their rows. */
function reduce(message: FeedMessage): [QueryKey, Change][] {
  const { data } = message;
  switch (message.type) {
    case "SNAPSHOT":
      return snapshot(data, message.receivedAt);
    case "ENGINE_UPDATE":
      return [[keys.engine, () => data]];
    case "FSM_TRANSITION":
      return [[keys.transitions, prepend({ ...data, ts: data["ts"] ?? message.ts })]];
    case "COMMAND_UPDATE":
      return [[keys.operations, upsert("operation_id", data, 50)]];
    case "KILL_SWITCH":
      return [[keys.killSwitch, () => data]];
    case "POSITION_OPEN":
    case "POSITION_UPDATE":
      return [[keys.positions, into("position_id", data)]];
    case "POSITION_CLOSE":
      return [[keys.positions, without("position_id", data["position_id"])]];
    case "STOP_MOVED":
      return [[keys.positions, stopMoved(data)]];
    case "ORDER_PLACED":
    case "ORDER_UPDATED":
    case "ORDER_CANCELED":
      return [[keys.orders, order(data)]];
    case "ORDER_UPDATE":
      return list(data["orders"]).map((each) => [keys.orders, order(each)]);
    case "FILL":
      return [[keys.fills, prepend(data)]];
    case "SCAN_RESULT":
      return [[keys.scan, () => data]];
    case "CANDIDATE_UPDATE":
      return [
        [
          keys.candidates,
          ENDED_CANDIDATES.has(String(data["state"]))
            ? without("candidate_id", data["candidate_id"])
            : into("candidate_id", data),
        ],
      ];
    case "SIGNAL":
      return [[keys.signals, upsert("signal_id", data)]];
    case "DECISION":
      return [[keys.decisions, prepend(data)]];
    case "LEVEL_UPDATE":
      return [[keys.levels(String(data["symbol"])), into("level_id", data)]];
    case "DENSITY_UPDATE":
      return [[keys.density(String((data["wall"] as Item)["symbol"])), wall(data["event"], data["wall"] as Item)]];
    case "ACTIVITY":
      return [[keys.activity(String(data["symbol"])), () => data]];
    case "PRICE_UPDATE":
      return [[keys.prices, bySymbol(list(data["prices"]), message.receivedAt)]];
    case "RISK_UPDATE":
      return [[keys.risk, () => data]];
    case "EQUITY_UPDATE":
      return [[keys.equity, equityPoint(data)]];
    case "ALERT":
      return [[keys.alerts, upsert("alert_id", data)]];
    case "LOG":
      return [[keys.logs, prepend(data, LOGS_MAX)]];
    case "BACKTEST_PROGRESS":
    case "BACKTEST_DONE":
      return [[keys.runs, upsert("run_id", data)]];
    case "RESOURCE_UPDATE":
      return [[keys.resources, prepend({ ...data, ts: data["ts"] ?? message.ts }, 720)]];
    case "CHECKPOINT":
      return [[keys.checkpoints, prepend(data)]];
    default:
      return [];
  }
}

export class FeedCache {
  readonly #client: QueryClient;
  readonly #pending: FeedMessage[] = [];
  #pendingPrices: FeedMessage[] = [];
  #paint: ReturnType<typeof setTimeout> | undefined;
  #pricePaint: ReturnType<typeof setTimeout> | undefined;
  #isPaused = false;

  constructor(client: QueryClient) {
    this.#client = client;
    // Rows that a message does not name keep their identity anyway; comparing all of them again and again costs more than it saves.
    client.setQueryDefaults(["live"], { structuralSharing: false });
  }

  /** Holds back what arrives (a hidden tab, a paused tail); releasing writes it. */
  setPaused(isPaused: boolean): void {
    this.#isPaused = isPaused;
    if (!isPaused) {
      this.flush();
      this.#flushPrices();
    }
  }

  take(message: FeedMessage): void {
    if (message.type === "PRICE_UPDATE") {
      this.#pendingPrices.push(message);
      if (this.#pendingPrices.length > HELD_MAX) this.#flushPrices();
      else if (!this.#isPaused) this.#pricePaint ??= setTimeout(() => this.#flushPrices(), PRICE_MS);
      return;
    }
    this.#pending.push(message);
    // Under heavy load a hidden tab drops nothing: it writes earlier.
    if (this.#pending.length > HELD_MAX) this.flush();
    else if (!this.#isPaused) this.#paint ??= setTimeout(() => this.flush(), PAINT_MS);
  }

  flush(): void {
    clearTimeout(this.#paint);
    this.#paint = undefined;
    this.#write(this.#pending.splice(0));
  }

  #flushPrices(): void {
    clearTimeout(this.#pricePaint);
    this.#pricePaint = undefined;
    const held = this.#pendingPrices;
    this.#pendingPrices = [];
    this.#write(held);
  }

  #write(messages: readonly FeedMessage[]): void {
    const changed = new Map<string, { key: QueryKey; value: unknown }>();
    for (const message of messages)
      for (const [key, change] of reduce(message)) {
        const hash = key.join(" ");
        const before = changed.has(hash) ? changed.get(hash)?.value : this.#client.getQueryData(key);
        changed.set(hash, { key, value: change(before) });
      }
    notifyManager.batch(() => {
      for (const { key, value } of changed.values()) if (value !== undefined) this.#client.setQueryData(key, value);
    });
  }
}
