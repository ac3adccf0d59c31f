import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Feed, type FeedMessage, type FeedWorld } from "./feed";

/** A socket whose other end is the test. */
class FakeSocket {
  readyState = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  readonly sent: { type: string; data: Record<string, unknown> }[] = [];

  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }
  send(text: string): void {
    this.sent.push(JSON.parse(text) as { type: string; data: Record<string, unknown> });
  }
  close(): void {
    this.drop(1006);
  }
  drop(code: number): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.onclose?.({ code });
  }
  frame(type: string, seq: number, data: Record<string, unknown> = {}): void {
    this.onmessage?.({ data: JSON.stringify({ type, seq, ts: 1, data }) });
  }
  of(type: string): Record<string, unknown>[] {
    return this.sent.filter((message) => message.type === type).map((message) => message.data);
  }
}

let sockets: FakeSocket[];
let tickets: (() => Promise<string>) | undefined;
let feed: Feed;

function last(): FakeSocket {
  const socket = sockets.at(-1);
  if (!socket) throw new Error("no socket was opened");
  return socket;
}

async function connect(): Promise<FakeSocket> {
  feed.start();
  await vi.advanceTimersByTimeAsync(0);
  last().open();
  last().frame("HELLO", 1);
  return last();
}

beforeEach(() => {
  vi.useFakeTimers();
  sockets = [];
  tickets = undefined;
  const world: FeedWorld = {
    openSocket: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket as unknown as WebSocket;
    },
    getTicket: () => tickets?.() ?? Promise.resolve("ticket"),
    now: () => Date.now(),
    random: () => 0.5,
  };
  feed = new Feed(world);
});
afterEach(() => {
  feed.stop();
  vi.useRealTimers();
});

describe("feed: order", () => {
  it("hands on frames and is connected from the first one", async () => {
    const seen: FeedMessage[] = [];
    feed.onMessage((message) => seen.push(message));
    const socket = await connect();
    socket.frame("SNAPSHOT", 2, { topic: "positions", items: [] });
    expect(feed.state.status).toBe("connected");
    expect(seen.map((message) => message.type)).toEqual(["HELLO", "SNAPSHOT"]);
  });

  it("asks once for new snapshots when a number is missing, and again only after they came", async () => {
    const socket = await connect();
    socket.frame("FILL", 4);
    socket.frame("FILL", 9);
    expect(socket.of("RESYNC")).toHaveLength(1);
    socket.frame("SNAPSHOT", 10, { topic: "orders", items: [] });
    socket.frame("FILL", 11);
    expect(socket.of("RESYNC")).toHaveLength(1);
    socket.frame("FILL", 13);
    expect(socket.of("RESYNC")).toHaveLength(2);
  });

  it("starts to count anew with each connection", async () => {
    const socket = await connect();
    socket.frame("FILL", 2);
    socket.drop(1012);
    await vi.advanceTimersByTimeAsync(1000);
    last().open();
    last().frame("HELLO", 1);
    expect(last()).not.toBe(socket);
    expect(last().of("RESYNC")).toHaveLength(0);
  });

  it("passes over frames that are no JSON object with a type", async () => {
    const seen: FeedMessage[] = [];
    const socket = await connect();
    feed.onMessage((message) => seen.push(message));
    for (const data of ["{", "null", "[]", '{"seq":2}', new ArrayBuffer(1)]) socket.onmessage?.({ data });
    expect(seen).toEqual([]);
    expect(feed.state.status).toBe("connected");
  });
});

describe("feed: reconnecting", () => {
  it("waits 1, 2, 4 … 30 s between attempts", async () => {
    const socket = await connect();
    socket.drop(1006);
    const waits: number[] = [];
    for (let attempt = 0; attempt < 7; attempt++) {
      waits.push((feed.state.retryAt ?? 0) - Date.now());
      await vi.advanceTimersByTimeAsync(waits.at(-1) ?? 0);
      last().drop(1006);
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  });

  it("forgets the waiting after a connection that worked", async () => {
    const socket = await connect();
    socket.drop(1006);
    await vi.advanceTimersByTimeAsync(1000);
    last().drop(1006);
    await vi.advanceTimersByTimeAsync(2000);
    last().open();
    last().frame("HELLO", 1);
    last().drop(1006);
    expect((feed.state.retryAt ?? 0) - Date.now()).toBe(1000);
  });

  it("tries again when no ticket is to be had, and says that it is disconnected", async () => {
    tickets = () => Promise.reject(new Error("away"));
    feed.start();
    await vi.advanceTimersByTimeAsync(0);
    expect(feed.state.status).toBe("disconnected");
    tickets = undefined;
    await vi.advanceTimersByTimeAsync(1000);
    expect(sockets).toHaveLength(1);
  });

  it("connects at once when it is told to hurry", async () => {
    const socket = await connect();
    socket.drop(1006);
    feed.hurry();
    await vi.advanceTimersByTimeAsync(0);
    expect(sockets).toHaveLength(2);
  });

  it("asks for polling after a minute without a socket, and stops when one is back", async () => {
    const socket = await connect();
    tickets = () => Promise.reject(new Error("away"));
    socket.drop(1006);
    await vi.advanceTimersByTimeAsync(59_000);
    expect(feed.state.status).not.toBe("polling");
    await vi.advanceTimersByTimeAsync(3000);
    expect(feed.state.status).toBe("polling");
    tickets = undefined;
    feed.hurry();
    await vi.advanceTimersByTimeAsync(0);
    last().open();
    last().frame("HELLO", 1);
    expect(feed.state.status).toBe("connected");
  });
});

describe("feed: silence", () => {
  it("is stale after two seconds without a frame and well again with the next", async () => {
    const socket = await connect();
    await vi.advanceTimersByTimeAsync(3000);
    expect(feed.state.status).toBe("stale");
    socket.frame("HEARTBEAT", 2);
    expect(feed.state.status).toBe("connected");
  });

  it("stays connected while pings are answered, and knows the delay", async () => {
    const socket = await connect();
    for (let second = 0; second < 30; second++) {
      await vi.advanceTimersByTimeAsync(second === 0 ? 1000 : 960);
      await vi.advanceTimersByTimeAsync(40);
      socket.frame("PONG", second + 2, { id: socket.of("PING").at(-1)?.["id"] ?? "" });
    }
    expect(feed.state.status).toBe("connected");
    expect(feed.state.delayMs).toBe(20);
  });

  it("gives up a socket that is silent for twenty seconds", async () => {
    await connect();
    await vi.advanceTimersByTimeAsync(24_000);
    expect(sockets.length).toBeGreaterThan(1);
  });
});

describe("feed: topics", () => {
  it("subscribes to what is wished for, each topic once, and leaves what nobody wants", async () => {
    const leave = feed.subscribe(["positions", "orders"]);
    feed.subscribe(["positions"]);
    const socket = await connect();
    expect(socket.of("SUBSCRIBE")).toEqual([{ topics: ["positions", "orders"] }]);
    leave();
    expect(socket.of("UNSUBSCRIBE")).toEqual([{ topics: ["orders"] }]);
  });

  it("joins the symbols of a topic", async () => {
    feed.subscribe(["activity"], ["BTC/USDT:USDT"]);
    const socket = await connect();
    feed.subscribe(["activity"], ["ETH/USDT:USDT"]);
    expect(socket.of("SUBSCRIBE").at(-1)).toEqual({ topics: ["activity"], symbols: ["BTC/USDT:USDT", "ETH/USDT:USDT"] });
  });

  it("subscribes anew after a reconnect", async () => {
    feed.subscribe(["risk"]);
    const socket = await connect();
    socket.drop(1006);
    await vi.advanceTimersByTimeAsync(1000);
    last().open();
    expect(last().of("SUBSCRIBE")).toEqual([{ topics: ["risk"] }]);
  });
});
