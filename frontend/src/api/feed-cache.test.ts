import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { FeedMessage } from "./feed";
import { FeedCache } from "./feed-cache";
import { keys } from "./keys";

let client: QueryClient;
let cache: FeedCache;

function message(type: string, data: Record<string, unknown>): FeedMessage {
  return { type, data, seq: 1, ts: 1000, receivedAt: 5000 };
}
function take(type: string, data: Record<string, unknown>): void {
  cache.take(message(type, data));
}

beforeEach(() => {
  vi.useFakeTimers();
  client = new QueryClient();
  cache = new FeedCache(client);
});
afterEach(() => vi.useRealTimers());

it("writes ten times a second at most, all that came together", () => {
  const write = vi.spyOn(client, "setQueryData");
  take("SNAPSHOT", { topic: "positions", items: [] });
  for (let n = 0; n < 50; n++) take("POSITION_UPDATE", { position_id: "P1", qty: n });
  expect(write).not.toHaveBeenCalled();
  vi.advanceTimersByTime(100);
  expect(write).toHaveBeenCalledTimes(1);
  expect(client.getQueryData(keys.positions)).toEqual([{ position_id: "P1", qty: 49 }]);
});

it("replaces rows by a snapshot", () => {
  client.setQueryData(keys.positions, [{ position_id: "OLD" }]);
  take("SNAPSHOT", { topic: "positions", items: [{ position_id: "NEW", state: "running" }] });
  cache.flush();
  expect(client.getQueryData(keys.positions)).toEqual([{ position_id: "NEW", state: "running" }]);
});

it("does not make half a list look like a whole one", () => {
  take("POSITION_UPDATE", { position_id: "P1" });
  cache.flush();
  expect(client.getQueryData(keys.positions)).toBeUndefined();
});

it("takes closed positions and ended orders out of the open ones", () => {
  client.setQueryData(keys.positions, [{ position_id: "P1" }, { position_id: "P2" }]);
  client.setQueryData(keys.orders, [{ client_order_id: "a" }, { client_order_id: "b" }]);
  take("POSITION_CLOSE", { position_id: "P1" });
  take("ORDER_UPDATE", {
    orders: [
      { client_order_id: "a", state: "filled" },
      { client_order_id: "b", state: "working" },
    ],
  });
  cache.flush();
  expect(client.getQueryData(keys.positions)).toEqual([{ position_id: "P2" }]);
  expect(client.getQueryData(keys.orders)).toEqual([{ client_order_id: "b", state: "working" }]);
});

it("moves the stop of a position", () => {
  client.setQueryData(keys.positions, [{ position_id: "P1", stop: 1, stop_rule: "initial" }]);
  take("STOP_MOVED", { position_id: "P1", new_stop: 2, rule: "breakeven" });
  cache.flush();
  expect(client.getQueryData(keys.positions)).toEqual([{ position_id: "P1", stop: 2, stop_rule: "breakeven" }]);
});

it("paints prices four times a second and knows when they came", () => {
  take("PRICE_UPDATE", { prices: [{ symbol: "BTC/USDT:USDT", price: 1 }] });
  vi.advanceTimersByTime(100);
  expect(client.getQueryData(keys.prices)).toBeUndefined();
  vi.advanceTimersByTime(150);
  expect(client.getQueryData(keys.prices)).toEqual({ "BTC/USDT:USDT": { symbol: "BTC/USDT:USDT", price: 1, receivedAt: 5000 } });
});

it("writes nothing while paused and all of it afterwards", () => {
  cache.setPaused(true);
  take("ENGINE_UPDATE", { session_state: "paused" });
  vi.advanceTimersByTime(5000);
  expect(client.getQueryData(keys.engine)).toBeUndefined();
  cache.setPaused(false);
  expect(client.getQueryData(keys.engine)).toEqual({ session_state: "paused" });
});

it("keeps what it holds bounded", () => {
  for (let n = 0; n < 6000; n++) take("LOG", { n });
  for (let n = 0; n < 1000; n++) take("DECISION", { n });
  cache.flush();
  expect(client.getQueryData<unknown[]>(keys.logs)).toHaveLength(5000);
  expect(client.getQueryData<unknown[]>(keys.decisions)).toHaveLength(500);
});

it("keeps the last state of an object topic when there is none yet", () => {
  client.setQueryData(keys.risk, { equity_usd: 1 });
  take("SNAPSHOT", { topic: "risk", object: null });
  cache.flush();
  expect(client.getQueryData(keys.risk)).toEqual({ equity_usd: 1 });
});
