/** The live feed: one WebSocket for the whole application. A one-time ticket opens it; a snapshot comes first, then changes numbered without a gap. A gap asks for new
 * snapshots; a lost connection is opened again after 1, 2, 4 … 30 s with jitter, at once when the tab becomes visible or the network returns; after a minute without a
 * socket the listener is told to poll. The feed knows nothing of React or of what the messages mean. */

export interface FeedMessage {
  type: string;
  seq: number;
  ts: number;
  data: Record<string, unknown>;
  /** When it arrived (wall clock, ms). */
  receivedAt: number;
}

type FeedStatus = "connecting" | "connected" | "stale" | "disconnected" | "polling";

export interface FeedState {
  status: FeedStatus;
  /** Last frame of any kind, wall clock; null before the first. */
  lastFrameAt: number | null;
  /** Half of the round trip of the last ping, ms. */
  delayMs: number | null;
  /** When the next attempt is made, while disconnected or polling. */
  retryAt: number | null;
  /** Close code and reason of the last connection. */
  closeCode: number | null;
}

/** The outside world of the feed; tests hand in their own. */
export interface FeedWorld {
  openSocket: (ticket: string) => WebSocket;
  getTicket: () => Promise<string>;
  now: () => number;
  random: () => number;
}

const PING_MS = 1000;
const STALE_MS = 2000;
const BACKOFF_MS = [1000, 2000, 4000, 8000, 16_000, 30_000] as const;
const POLL_AFTER_MS = 60_000;
const OPEN_TIMEOUT_MS = 10_000;
const DEAD_MS = 20_000;

type MessageListener = (message: FeedMessage) => void;

export interface Wish {
  topic: string;
  /** Symbols for topics that come per symbol; empty: all candidates and positions. */
  symbols: readonly string[];
}

function parseFrame(text: unknown, receivedAt: number): FeedMessage | null {
  if (typeof text !== "string") return null;
  try {
    const frame = JSON.parse(text) as { type?: unknown; seq?: unknown; ts?: unknown; data?: FeedMessage["data"] } | null;
    if (typeof frame?.type !== "string") return null;
    return { type: frame.type, seq: Number(frame.seq ?? 0), ts: Number(frame.ts ?? 0), data: frame.data ?? {}, receivedAt };
  } catch {
    return null;
  }
}

export class Feed {
  readonly #world: FeedWorld;
  readonly #messageListeners = new Set<MessageListener>();
  readonly #stateListeners = new Set<() => void>();
  readonly #wishes = new Map<number, Wish>();
  #nextWish = 1;
  #state: FeedState = { status: "connecting", lastFrameAt: null, delayMs: null, retryAt: null, closeCode: null };
  #socket: WebSocket | null = null;
  #attempt = 0;
  #generation = 0;
  #lastSeq = 0;
  #isResyncing = false;
  #lostAt: number | null = null;
  #pings = new Map<string, number>();
  #pingCount = 0;
  #beat: ReturnType<typeof setInterval> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #isRunning = false;
  #sentTopics = new Map<string, string>();

  constructor(world: FeedWorld) {
    this.#world = world;
  }

  get state(): FeedState {
    return this.#state;
  }

  onMessage(listener: MessageListener): () => void {
    this.#messageListeners.add(listener);
    return () => this.#messageListeners.delete(listener);
  }

  onState(listener: () => void): () => void {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  }

  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#lostAt = this.#world.now();
    this.#beat = setInterval(() => this.#onBeat(), PING_MS);
    void this.#connect();
  }

  stop(): void {
    this.#isRunning = false;
    this.#generation++;
    clearInterval(this.#beat);
    clearTimeout(this.#retry);
    this.#socket?.close(1000);
    this.#socket = null;
  }

  /** Connect now instead of waiting for the next attempt: the tab became visible, the network returned, someone logged in. */
  hurry(): void {
    if (!this.#isRunning || this.#socket !== null) return;
    this.#attempt = 0;
    void this.#connect();
  }

  /** Asks for topics as long as the returned function is not called. The same topic may be wished for many times. */
  subscribe(topics: readonly string[], symbols: readonly string[] = []): () => void {
    const ids = topics.map((topic) => {
      const id = this.#nextWish++;
      this.#wishes.set(id, { topic, symbols });
      return id;
    });
    this.#sendTopics();
    return () => {
      for (const id of ids) this.#wishes.delete(id);
      this.#sendTopics();
    };
  }

  #set(patch: Partial<FeedState>): void {
    const next = { ...this.#state, ...patch };
    const isSame = (Object.keys(next) as (keyof FeedState)[]).every(
      (key) => key === "lastFrameAt" || next[key] === this.#state[key],
    );
    this.#state = next;
    // The time of the last frame changes with every frame; whoever shows it reads it by the clock.
    if (!isSame) for (const listener of this.#stateListeners) listener();
  }

  async #connect(): Promise<void> {
    const generation = ++this.#generation;
    clearTimeout(this.#retry);
    this.#set({ status: this.#state.status === "polling" ? "polling" : "connecting", retryAt: null });
    let ticket: string;
    try {
      ticket = await this.#world.getTicket();
    } catch {
      if (generation === this.#generation) this.#scheduleRetry(null);
      return;
    }
    if (generation !== this.#generation) return;
    const socket = this.#world.openSocket(ticket);
    this.#socket = socket;
    this.#lastSeq = 0;
    this.#isResyncing = false;
    this.#sentTopics.clear();
    const timeout = setTimeout(() => socket.close(), OPEN_TIMEOUT_MS);
    socket.onopen = () => {
      clearTimeout(timeout);
      this.#sendTopics();
    };
    socket.onmessage = (event) => {
      if (socket === this.#socket) this.#onFrame(event.data);
    };
    socket.onclose = (event) => {
      clearTimeout(timeout);
      if (socket !== this.#socket) return;
      this.#socket = null;
      this.#scheduleRetry(event.code);
    };
  }

  #scheduleRetry(closeCode: number | null): void {
    if (!this.#isRunning) return;
    this.#socket = null;
    this.#lostAt ??= this.#world.now();
    const base = BACKOFF_MS[Math.min(this.#attempt, BACKOFF_MS.length - 1)] ?? 30_000;
    this.#attempt++;
    const wait = base * (0.75 + 0.5 * this.#world.random());
    const isPolling = this.#world.now() - this.#lostAt >= POLL_AFTER_MS;
    this.#set({ status: isPolling ? "polling" : "disconnected", retryAt: this.#world.now() + wait, closeCode });
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.#connect(), wait);
  }

  #onFrame(text: unknown): void {
    const now = this.#world.now();
    const message = parseFrame(text, now);
    if (!message) return;
    this.#state = { ...this.#state, lastFrameAt: now };
    if (this.#state.status !== "connected") {
      this.#attempt = 0;
      this.#lostAt = null;
      this.#set({ status: "connected", retryAt: null, closeCode: null });
    }
    this.#checkSequence(message);
    if (message.type === "PONG") this.#onPong(message);
    for (const listener of this.#messageListeners) listener(message);
  }

  #checkSequence(message: FeedMessage): void {
    const isGap = message.seq > 0 && message.seq !== this.#lastSeq + 1;
    if (message.seq > 0) this.#lastSeq = message.seq;
    if (message.type === "SNAPSHOT") this.#isResyncing = false;
    if (!isGap || this.#isResyncing) return;
    this.#isResyncing = true;
    this.#send("RESYNC", {});
  }

  #onPong(message: FeedMessage): void {
    const id = String(message.data["id"]);
    const sentAt = this.#pings.get(id);
    this.#pings.clear();
    if (sentAt !== undefined) this.#set({ delayMs: Math.round((message.receivedAt - sentAt) / 2) });
  }

  #onBeat(): void {
    const now = this.#world.now();
    const { status, lastFrameAt } = this.#state;
    if (this.#socket === null) {
      if (status === "disconnected" && this.#lostAt !== null && now - this.#lostAt >= POLL_AFTER_MS)
        this.#set({ status: "polling" });
      return;
    }
    if (lastFrameAt !== null && (status === "connected" || status === "stale")) {
      const age = now - lastFrameAt;
      // A socket that says nothing to a dozen pings is dead, whatever the system thinks of it.
      if (age > DEAD_MS) {
        this.#abandon();
        return;
      }
      if (age > STALE_MS && status === "connected") this.#set({ status: "stale" });
    }
    const id = String(++this.#pingCount);
    this.#pings.set(id, now);
    this.#send("PING", { id });
  }

  #abandon(): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    this.#scheduleRetry(null);
  }

  #send(type: string, data: Record<string, unknown>): void {
    if (this.#socket?.readyState === 1) this.#socket.send(JSON.stringify({ type, data }));
  }

  /* The topics wished for, one SUBSCRIBE for each set of symbols; only what changed is sent. */
  #sendTopics(): void {
    if (this.#socket?.readyState !== 1) return;
    const wanted = new Map<string, Set<string> | null>();
    for (const { topic, symbols } of this.#wishes.values()) {
      const before = wanted.get(topic);
      if (symbols.length === 0) wanted.set(topic, wanted.has(topic) ? (before ?? null) : null);
      else wanted.set(topic, new Set([...(before ?? []), ...symbols]));
    }
    const gone = [...this.#sentTopics.keys()].filter((topic) => !wanted.has(topic));
    if (gone.length > 0) this.#send("UNSUBSCRIBE", { topics: gone });
    for (const topic of gone) this.#sentTopics.delete(topic);
    const groups = new Map<string, string[]>();
    for (const [topic, symbols] of wanted) {
      const key = symbols === null ? "" : [...symbols].sort().join(",");
      if (this.#sentTopics.get(topic) === key) continue;
      this.#sentTopics.set(topic, key);
      groups.set(key, [...(groups.get(key) ?? []), topic]);
    }
    for (const [key, topics] of groups) this.#send("SUBSCRIBE", key === "" ? { topics } : { topics, symbols: key.split(",") });
  }
}
