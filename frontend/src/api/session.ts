import { type QueryClient, queryOptions, useQuery } from "@tanstack/react-query";
import { api, setCsrfToken, unwrap } from "./client";
import type { components } from "./generated";

type Schemas = components["schemas"];
export type Role = Schemas["User"]["role"];
type Me = Schemas["AuthMe"];

const RANK: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 };

export function hasRole(role: Role, needed: Role): boolean {
  return RANK[role] >= RANK[needed];
}

async function askWho(): Promise<Me> {
  const me = await unwrap(api().GET("/api/auth/me"));
  setCsrfToken(me.csrf_token ?? null);
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
  const reply = await unwrap(api().POST("/api/auth/login", { body: { username, password } }));
  setCsrfToken(reply.csrf_token);
}

export async function setUp(code: string, username: string, password: string): Promise<void> {
  const reply = await unwrap(api().POST("/api/auth/setup", { body: { code, username, password } }));
  setCsrfToken(reply.csrf_token);
}

export async function logout(): Promise<void> {
  await unwrap(api().POST("/api/auth/logout"));
  setCsrfToken(null);
}

export async function getTicket(): Promise<string> {
  return (await unwrap(api().POST("/api/auth/ws-ticket"))).ticket;
}
