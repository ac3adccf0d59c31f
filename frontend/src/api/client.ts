import createClient, { type Middleware } from "openapi-fetch";
import { getConfig } from "../config";
import { ApiError, problemToError, toApiError } from "../domain/problem";
import type { paths } from "./generated";

/** The typed REST client. `unwrap(api().GET("/api/engine/status"))` is the reply or throws an ApiError; cookies and the CSRF value go along by themselves. */

let csrfToken: string | null = null;
let onLoginEnded: () => void = () => undefined;

/** The value that changing requests must carry; from login, setup or me. Kept in memory only. */
export function setCsrfToken(token: string | null): void {
  csrfToken = token;
}

/** Called when a reply says that the login is no more. */
export function setLoginEndedHandler(handler: () => void): void {
  onLoginEnded = handler;
}

const READING = new Set(["GET", "HEAD"]);

async function bodyOf(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

async function errorOf(response: Response): Promise<ApiError> {
  const error = problemToError(
    response.status,
    response.statusText,
    await bodyOf(response),
    response.headers.get("x-request-id"),
    response.headers.get("retry-after"),
  );
  // Wrong credentials are an answer to the login form, not the end of a login.
  if (error.status === 401 && error.code !== "bad_credentials") onLoginEnded();
  return error;
}

const middleware: Middleware = {
  onRequest({ request }) {
    if (READING.has(request.method)) return request;
    if (csrfToken !== null) request.headers.set("X-CSRF-Token", csrfToken);
    // The server wants the type also where nothing is sent: a form of another site could not set it.
    if (!request.headers.has("Content-Type")) request.headers.set("Content-Type", "application/json");
    return request;
  },
  async onResponse({ response }) {
    if (!response.ok) throw await errorOf(response);
    return undefined;
  },
  onError({ error }) {
    return toApiError(error);
  },
};

function baseUrl(): string {
  const { apiUrl: other } = getConfig();
  return other === "" ? location.origin : other;
}

type Client = ReturnType<typeof createClient<paths>>;
let client: Client | undefined;

export function api(): Client {
  if (!client) {
    client = createClient<paths>({
      baseUrl: baseUrl(),
      credentials: getConfig().apiUrl === "" ? "same-origin" : "include",
      fetch: (request: Request) => fetch(request),
    });
    client.use(middleware);
  }
  return client;
}

/** The reply of a call. Lists can also be CSV, which is a text: only downloads ask for that. */
export async function unwrap<T>(reply: Promise<{ data?: T; response: Response }>): Promise<Exclude<T, string>> {
  // 204 (no scan yet) has no body; such routes say so in their own query.
  return (await reply).data as Exclude<T, string>;
}

/** The address of a download that the browser fetches itself (exports, reports). */
export function apiUrl(path: string, query: Readonly<Record<string, string | number | undefined>> = {}): string {
  const words = Object.entries(query).filter(
    (pair): pair is [string, string | number] => pair[1] !== undefined && pair[1] !== "",
  );
  const text = new URLSearchParams(words.map(([key, value]) => [key, String(value)])).toString();
  return `${baseUrl()}${path}${text === "" ? "" : `?${text}`}`;
}

/** For replies that OpenAPI cannot type well (file uploads, health with status 503): same cookies, same errors. */
export async function fetchApi(path: string, init: RequestInit & { acceptsStatus?: readonly number[] } = {}): Promise<Response> {
  const { acceptsStatus = [], ...rest } = init;
  const headers = new Headers(rest.headers);
  if (!READING.has(rest.method ?? "GET") && csrfToken !== null) headers.set("X-CSRF-Token", csrfToken);
  let response: Response;
  try {
    response = await fetch(`${baseUrl()}${path}`, {
      credentials: getConfig().apiUrl === "" ? "same-origin" : "include",
      ...rest,
      headers,
    });
  } catch (thrown) {
    throw toApiError(thrown);
  }
  if (!response.ok && !acceptsStatus.includes(response.status)) throw await errorOf(response);
  return response;
}
