import { type ChildProcess, execFile, spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const root = resolve(import.meta.dirname, "../..");
const program = process.env["BREAKOUT_PROGRAM"] ?? join(root, "build/breakout");
const run = promisify(execFile);

async function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.on("error", fail);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => (typeof address === "object" && address ? done(address.port) : fail(new Error("no port"))));
    });
  });
}

interface Open {
  protected: boolean;
  entry_completed_at: number | null;
  state: string;
}

/** The real program in demo mode in a folder of its own, serving the built user interface. */
export class Daemon {
  #child: ChildProcess | null = null;
  #settings: Readonly<Record<string, string | number>> = {};
  readonly folder: string;
  readonly url: string;

  private constructor(folder: string, port: number) {
    this.folder = folder;
    this.url = `http://127.0.0.1:${port}`;
  }

  static async start(settings: Readonly<Record<string, string | number>> = {}): Promise<Daemon> {
    const folder = await mkdtemp(join(tmpdir(), "breakout-e2e-"));
    await symlink(join(root, "recordings"), join(folder, "recordings"));
    await cp(join(root, "presets"), join(folder, "presets"), { recursive: true });
    await mkdir(join(folder, "data"));
    return Daemon.#startIn(folder, settings);
  }

  static async #startIn(folder: string, settings: Readonly<Record<string, string | number>>): Promise<Daemon> {
    const port = await freePort();
    const uiPort = await freePort();
    const daemon = new Daemon(folder, uiPort);
    const all = {
      FEED: "demo",
      AUTOSTART: "paper",
      DEMO_SPEED: 120,
      PORT: port,
      UI_PORT: uiPort,
      UI_DIR: process.env["UI_DIR"] ?? join(root, "frontend/dist"),
      BREAKOUT_URL: `http://127.0.0.1:${port}`,
      LOG_CONSOLE: "off",
      RATE_LIMIT_READ_PER_S: 200, // a test turns pages faster than a person
      ...settings,
    };
    await daemon.#write(all);
    await daemon.restart();
    return daemon;
  }

  /** A folder with closed trades, an open position and two backtests; what startWithTrades begins with. */
  static async record(tradesMin: number): Promise<string> {
    const daemon = await Daemon.start({ DEMO_SPEED: 300 });
    try {
      await until(120, "closed trades and an open position", async () => {
        const trades = await daemon.get<{ total: number }>("/api/trading/trades");
        const { items } = await daemon.get<{ items: Open[] }>("/api/trading/positions");
        const isManaged = (one: Open): boolean => one.protected && one.entry_completed_at !== null && one.state !== "exiting";
        return trades.total >= tradesMin && items.length > 0 && items.every(isManaged);
      });
      await daemon.changeSettings({ DEMO_SPEED: 0.5 });
      await daemon.runBacktest();
      await daemon.runBacktest();
    } finally {
      await daemon.#end("SIGTERM");
    }
    return daemon.folder;
  }

  /** One that goes on from the recorded folder, in slow motion, so that trades and position stay as they are. */
  static async startWithTrades(settings: Readonly<Record<string, string | number>> = {}): Promise<Daemon> {
    const recorded = await until(150, "the recorded folder", () =>
      readFile(process.env["RECORDED"] ?? "", "utf8").catch(() => ""),
    );
    const folder = await mkdtemp(join(tmpdir(), "breakout-e2e-"));
    await cp(recorded, folder, { recursive: true, verbatimSymlinks: true });
    return Daemon.#startIn(folder, { DEMO_SPEED: 0.5, ...settings });
  }

  async #write(settings: Readonly<Record<string, string | number>>): Promise<void> {
    this.#settings = settings;
    const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
    await writeFile(join(this.folder, ".env"), lines.join(""), { mode: 0o600 });
  }

  /** Settings are read at the start: the program is stopped and started again. */
  async changeSettings(changed: Readonly<Record<string, string | number>>): Promise<void> {
    await this.#write({ ...this.#settings, ...changed });
    await this.#end("SIGTERM");
    await this.restart();
  }

  /** Starts the program again on the same folder. */
  async restart(): Promise<void> {
    const child = spawn(program, ["serve"], {
      cwd: this.folder,
      stdio: ["ignore", "ignore", "pipe"],
      env: { PATH: process.env["PATH"], HOME: this.folder },
    });
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    this.#child = child;
    // A test run that is broken off leaves nobody behind.
    process.once("exit", () => child.kill("SIGKILL"));
    for (let tries = 0; tries < 150; tries++) {
      if (child.exitCode !== null) throw new Error(`the program ended with ${child.exitCode}: ${said}`);
      const isUp = await fetch(`${this.url}/api/live`).then(
        (reply) => reply.ok,
        () => false,
      );
      if (isUp) return;
      await sleep(200);
    }
    throw new Error(`no answer after 30 s: ${said}`);
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((done) => child.once("exit", done));
    child.kill(signal);
    await ended;
  }

  /** As a power cut would. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async stop(): Promise<void> {
    await this.#end("SIGTERM");
    await rm(this.folder, { recursive: true, force: true });
  }

  /** The program's command line beside the running server. */
  async cli(...words: string[]): Promise<string> {
    const { stdout } = await run(program, words, { cwd: this.folder, env: { PATH: process.env["PATH"], HOME: this.folder } });
    return stdout;
  }

  /** A fresh one-time setup link on the address under test. */
  async setupLink(): Promise<string> {
    const said = await this.cli("token", "setup");
    const code = /setup\?code=([\w.-]+)/.exec(said)?.[1];
    if (code === undefined) throw new Error(`no link in: ${said}`);
    return `${this.url}/#/setup?code=${code}`;
  }

  async #ask(path: string, init: RequestInit = {}): Promise<unknown> {
    const token = (await readFile(join(this.folder, "data/ctl.token"), "utf8")).trim();
    const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
    const reply = await fetch(`${this.url}${path}`, { headers, ...init });
    if (!reply.ok) throw new Error(`${path}: ${reply.status} ${await reply.text()}`);
    return reply.json();
  }

  /** A reply of the API as the command line's own token sees it. */
  async get<T>(path: string): Promise<T> {
    return (await this.#ask(path)) as T;
  }

  async post<T>(path: string, body: unknown): Promise<T> {
    return (await this.#ask(path, { method: "POST", body: JSON.stringify(body) })) as T;
  }

  /** Runs a backtest over ten days of three symbols to its end; its id. */
  async runBacktest(): Promise<string> {
    const { items } = await this.get<{ items: { dataset_id: string; from: number }[] }>("/api/datasets");
    const data = items[0];
    if (!data) throw new Error("the recording is not in the list of data sets");
    const to = data.from + 10 * 86_400_000;
    const { run_id: id } = await this.post<{ run_id: string }>("/api/backtests", {
      preset: "breakout_v1_relaxed",
      dataset_id: data.dataset_id,
      symbols: ["BTCUSDT", "ETHUSDT", "SOLUSDT"],
      to,
    });
    await until(120, "the end of the backtest", async () => {
      const { status } = await this.get<{ status: string }>(`/api/backtests/${id}`);
      if (status === "failed" || status === "cancelled") throw new Error(`the backtest ended as ${status}`);
      return status === "done";
    });
    return id;
  }
}

/** Asks again until the answer is good. */
export async function until<T>(seconds: number, what: string, ask: () => Promise<T | null | undefined | false>): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await sleep(250);
  }
}
