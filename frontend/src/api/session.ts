import { type QueryClient, queryOptions, useQuery } from "@tanstack/react-query";
import { fetchApi, setCsrfToken } from "./client";

export type Role = "viewer" | "operator" | "admin";

export interface User {
  username: string;
  role: Role;
  created_at: number;
  last_login_at: number | null;
  disabled: boolean;
}
export interface Me {
  user: User;
  csrf_token: string | null;
  expires_at: number | null;
  auth_enabled: boolean;
}

const RANK: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 };

export function hasRole(role: Role, needed: Role): boolean {
  return RANK[role] >= RANK[needed];
}

async function post<T>(path: string, body: unknown): Promise<T> {
  const response = await fetchApi(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return (await response.json()) as T;
}

async function askWho(): Promise<Me> {
  const me = (await (await fetchApi("/api/auth/me")).json()) as Me;
  setCsrfToken(me.csrf_token);
  return me;
}

/** Who is logged in. Its CSRF value is handed to the client by the way. */
export const meQuery = queryOptions({
  queryKey: ["me"],
  queryFn: askWho,
  staleTime: Number.POSITIVE_INFINITY,
  retry: false,
});

/** The least of roles until we know better. */
export function useRole(): Role {
  return useQuery({ ...meQuery, enabled: false }).data?.user.role ?? "viewer";
}

/** Asks again who is logged in, after a login. */
export async function refreshMe(client: QueryClient): Promise<void> {
  client.setQueryData(meQuery.queryKey, await askWho());
}

export async function login(username: string, password: string): Promise<void> {
  const reply = await post<{ csrf_token: string }>("/api/auth/login", { username, password });
  setCsrfToken(reply.csrf_token);
}

export async function setUp(code: string, username: string, password: string): Promise<void> {
  const reply = await post<{ csrf_token: string }>("/api/auth/setup", { code, username, password });
  setCsrfToken(reply.csrf_token);
}

export async function logout(): Promise<void> {
  await post("/api/auth/logout", {});
  setCsrfToken(null);
}

export async function getTicket(): Promise<string> {
  return (await post<{ ticket: string }>("/api/auth/ws-ticket", {})).ticket;
}
