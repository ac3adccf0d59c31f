/** Where the API and Grafana are, as /config.json of the server says at run time; nothing of it is baked into the build. Without the file it is the origin of the page. */
export interface Config {
  /** Base address of the REST API without a slash at its end; "" for the same origin. */
  apiUrl: string;
  /** Address of the WebSocket. */
  wsUrl: string;
  /** Address of Grafana without a slash at its end; "" when there is none. */
  grafanaUrl: string;
}

function text(value: unknown): string {
  return typeof value === "string" ? value.trim() : "";
}

/** The configuration from the words of the file; empty words mean the same origin, and no Grafana. */
export function makeConfig(words: { api_url?: unknown; ws_url?: unknown; grafana_url?: unknown }, origin: string): Config {
  const apiUrl = text(words.api_url).replace(/\/+$/, "");
  // It becomes a link: of the web, and nothing else.
  const grafanaUrl = /^https?:\/\//.test(text(words.grafana_url)) ? text(words.grafana_url).replace(/\/+$/, "") : "";
  const base = apiUrl === "" ? origin : apiUrl;
  const wsUrl = text(words.ws_url) === "" ? `${base.replace(/^http/, "ws")}/ws` : text(words.ws_url);
  return { apiUrl, wsUrl, grafanaUrl };
}

let current: Config = makeConfig({}, typeof location === "undefined" ? "http://127.0.0.1" : location.origin);

export function getConfig(): Config {
  return current;
}

/** Reads /config.json. A server without one answers 404 or the page itself: then the origin is the API. */
export async function loadConfig(): Promise<void> {
  try {
    const response = await fetch("/config.json", { cache: "no-store" });
    const isJson = response.headers.get("content-type")?.includes("json") ?? false;
    if (!response.ok || !isJson) return;
    const words: unknown = await response.json();
    if (typeof words === "object" && words !== null) current = makeConfig(words, location.origin);
  } catch {
    // The server is away: the origin is the best guess, and the feed will say that it can't connect.
  }
}
