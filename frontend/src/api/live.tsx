import { hashKey, type QueryClient, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { getConfig } from "../config";
import { useNow } from "../hooks/use-now";
import { ConnectionContext } from "../ui/connection";
import { ClockContext } from "../ui/time";
import { Feed, type FeedMessage, type FeedState } from "./feed";
import { FeedCache } from "./feed-cache";
import { engineQuery } from "./queries";
import { getTicket } from "./session";
import type { EngineStatus } from "./types";

/** The feed as React sees it: started once, written into the query cache, polled instead after a minute without a socket. */

const POLL_MS = 5000;
const FRAME_TOPICS = ["engine", "positions", "orders", "alerts", "risk", "equity"];

interface Live {
  feed: Feed;
  cache: FeedCache;
}
const LiveContext = createContext<Live | null>(null);

function makeLive(client: QueryClient): Live {
  const feed = new Feed({
    openSocket: (ticket) => new WebSocket(`${getConfig().wsUrl}?ticket=${encodeURIComponent(ticket)}`),
    getTicket,
    now: () => Date.now(),
    random: Math.random,
  });
  return { feed, cache: new FeedCache(client) };
}

function useRunning({ feed, cache }: Live, client: QueryClient): void {
  useEffect(() => {
    const stopCache = feed.onMessage((message) => cache.take(message));
    const unsubscribe = feed.subscribe(FRAME_TOPICS);
    let wasConnected = false;
    const stopState = feed.onState(() => {
      const isConnected = feed.state.status === "connected";
      // What the topics don't carry may have changed while we were away.
      if (isConnected && !wasConnected) void client.invalidateQueries({ predicate: (query) => query.queryKey[0] !== "me" });
      wasConnected = isConnected;
    });
    const onVisible = (): void => {
      cache.setPaused(document.visibilityState === "hidden");
      if (document.visibilityState === "visible") feed.hurry();
    };
    const onOnline = (): void => feed.hurry();
    document.addEventListener("visibilitychange", onVisible);
    addEventListener("online", onOnline);
    feed.start();
    return () => {
      document.removeEventListener("visibilitychange", onVisible);
      removeEventListener("online", onOnline);
      stopState();
      unsubscribe();
      stopCache();
      feed.stop();
    };
  }, [feed, cache, client]);
}

/** Without a socket for a minute: the live rows that are on the page are asked for every five seconds. */
function usePolling(feed: Feed, client: QueryClient): number | null {
  const { status } = useFeedStateOf(feed);
  const [polledAt, setPolledAt] = useState<number | null>(null);
  useEffect(() => {
    if (status !== "polling") return;
    const poll = async (): Promise<void> => {
      await client.refetchQueries({ queryKey: ["live"], type: "active" });
      const isAnswered = client.getQueryState(engineQuery.queryKey)?.status === "success";
      if (isAnswered) setPolledAt(Date.now());
    };
    void poll();
    const timer = setInterval(() => void poll(), POLL_MS);
    return () => clearInterval(timer);
  }, [status, client]);
  return status === "polling" ? polledAt : null;
}

function useFeedStateOf(feed: Feed): FeedState {
  return useSyncExternalStore(
    (listener) => feed.onState(listener),
    () => feed.state,
  );
}

interface ClockSample {
  engineTs: number;
  wall: number;
  speed: number;
}

/** The engine's time runs at the feed's speed: a recording is played faster than it was. */
function useEngineClock(client: QueryClient): { now: (wallMs: number) => number } {
  const sample = useRef<ClockSample | null>(null);
  useEffect(() => {
    const engineHash = hashKey(engineQuery.queryKey);
    return client.getQueryCache().subscribe((event) => {
      if (event.type !== "updated" || event.query.queryHash !== engineHash) return;
      const status = event.query.state.data as EngineStatus | undefined;
      if (status)
        sample.current = {
          engineTs: status.ts,
          wall: event.query.state.dataUpdatedAt,
          speed: status.demo ? (status.speed ?? 1) : 1,
        };
    });
  }, [client]);
  return useMemo(
    () => ({
      now: (wallMs: number) => {
        const last = sample.current;
        if (!last) return wallMs;
        // Between two reports at most ten seconds are guessed; a feed that stands still must not run on.
        const elapsed = Math.min(10_000, Math.max(0, wallMs - last.wall));
        return last.engineTs + elapsed * last.speed;
      },
    }),
    [],
  );
}

export function LiveProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const [live] = useState(() => makeLive(client));
  useRunning(live, client);
  const polledAt = usePolling(live.feed, client);
  const { status } = useFeedStateOf(live.feed);
  const now = useNow(1000);
  const lastSeenAt = polledAt ?? live.feed.state.lastFrameAt;
  const isPolled = polledAt !== null && now - polledAt < 2 * POLL_MS;
  const isLive = status === "connected" || isPolled;
  // Panels ask only while not live; the time of the last frame need not wake them before.
  const seenAt = isLive ? null : lastSeenAt;
  const connection = useMemo(() => ({ isLive, lastSeenAt: seenAt }), [isLive, seenAt]);
  const clock = useEngineClock(client);
  return (
    <LiveContext value={live}>
      <ConnectionContext value={connection}>
        <ClockContext value={clock}>{children}</ClockContext>
      </ConnectionContext>
    </LiveContext>
  );
}

function useLive(): Live | null {
  return useContext(LiveContext);
}

const RESTING: FeedState = { status: "disconnected", lastFrameAt: null, delayMs: null, retryAt: null, closeCode: null };

export function useFeedState(): FeedState {
  const live = useLive();
  return useSyncExternalStore(
    (listener) => live?.feed.onState(listener) ?? (() => undefined),
    () => live?.feed.state ?? RESTING,
  );
}

/** Topics of the feed that this page needs while it is open, some of them for certain symbols. Their rows arrive under api/keys. */
export function useFeedTopics(topics: readonly string[], symbols: readonly string[] = []): void {
  const live = useLive();
  const wanted = topics.join(",");
  const of = symbols.join(",");
  useEffect(() => {
    if (!live || wanted === "") return;
    return live.feed.subscribe(wanted.split(","), of === "" ? [] : of.split(","));
  }, [live, wanted, of]);
}

/** Every message of some types as it arrives, for what is not in the cache: candles of a chart, sounds, announcements. */
export function useFeedMessages(types: readonly string[], onMessage: (message: FeedMessage) => void): void {
  const live = useLive();
  const latest = useRef(onMessage);
  useEffect(() => {
    latest.current = onMessage;
  });
  const wanted = types.join(",");
  useEffect(() => {
    if (!live) return;
    const set = new Set(wanted.split(","));
    return live.feed.onMessage((message) => {
      if (set.has(message.type)) latest.current(message);
    });
  }, [live, wanted]);
}

/** Connects at once, after a login. */
export function useHurry(): () => void {
  const live = useLive();
  return () => live?.feed.hurry();
}
