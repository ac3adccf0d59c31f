import { queryOptions } from "@tanstack/react-query";
import { api, fetchApi, unwrap } from "../../api/client";
import type { components } from "../../api/generated";
import { ApiError } from "../../domain/problem";

type Schemas = components["schemas"];
export type Session = Schemas["Session"];
export type Checkpoint = Schemas["Checkpoint"];
export type Transition = Schemas["Transition"];
export type SymbolHealth = Schemas["SymbolHealth"];
export type Rollups = Schemas["RollupAll"];

const REFRESH_MS = 5000;

/** The active session; null without one (404). */
export const currentSessionQuery = queryOptions({
  queryKey: ["monitoring", "session"],
  queryFn: async (): Promise<Session | null> => {
    try {
      return (await (await fetchApi("/api/monitoring/current-session")).json()) as Session;
    } catch (thrown) {
      if (thrown instanceof ApiError && thrown.status === 404) return null;
      throw thrown;
    }
  },
  refetchInterval: REFRESH_MS,
});

export function flowQuery(id: string) {
  return queryOptions({
    queryKey: ["monitoring", "flow", id],
    queryFn: () => unwrap(api().GET("/api/monitoring/sessions/{id}/visualization", { params: { path: { id } } })),
    refetchInterval: REFRESH_MS,
  });
}

export function checkpointsQuery(id: string) {
  return queryOptions({
    queryKey: ["monitoring", "checkpoints", id],
    queryFn: async () =>
      (await unwrap(api().GET("/api/monitoring/checkpoints/{id}", { params: { path: { id }, query: { limit: 200 } } }))).items,
    refetchInterval: REFRESH_MS,
  });
}

export const wordsQuery = queryOptions({
  queryKey: ["monitoring", "words"],
  queryFn: () => unwrap(api().GET("/api/monitoring/state-machine/performance")),
  refetchInterval: REFRESH_MS,
});

export const transitionsQuery = queryOptions({
  queryKey: ["monitoring", "transitions"],
  queryFn: async () =>
    (await unwrap(api().GET("/api/monitoring/state-machine/transitions", { params: { query: { limit: 200 } } }))).items,
  refetchInterval: REFRESH_MS,
});

export const resourcesQuery = queryOptions({
  queryKey: ["monitoring", "resources"],
  queryFn: () => unwrap(api().GET("/api/engine/resource-health")),
  refetchInterval: REFRESH_MS,
});

export const rollupsQuery = queryOptions({
  queryKey: ["monitoring", "rollups"],
  queryFn: (): Promise<Rollups> => unwrap(api().GET("/api/metrics/all")),
  refetchInterval: REFRESH_MS,
});

export const feedHealthQuery = queryOptions({
  queryKey: ["monitoring", "feed"],
  queryFn: async () => (await unwrap(api().GET("/api/features/health"))).items,
  refetchInterval: REFRESH_MS,
});

export const rateQuery = queryOptions({
  queryKey: ["monitoring", "rates"],
  queryFn: () => unwrap(api().GET("/api/monitoring/rate-limiter")),
  refetchInterval: REFRESH_MS,
});
