import { type QueryClient, queryOptions } from "@tanstack/react-query";
import type { Finding, PresetConfig, SchemaNode } from "../domain/preset-schema";
import { api, fetchApi, unwrap } from "./client";
import type { components } from "./generated";

/** Presets with their keys: one with its ETag, the schema, checks and changes. The list is presetsQuery. */

type Schemas = components["schemas"];
export type PresetVersion = Schemas["PresetVersion"];

export interface StoredPreset {
  preset: Schemas["Preset"];
  config: PresetConfig;
  /** Names the content that a change replaces. */
  etag: string;
}

export interface Verdict {
  isValid: boolean;
  errors: Finding[];
  warnings: Finding[];
}

async function storedOf(response: Response): Promise<StoredPreset> {
  const preset = (await response.json()) as Schemas["Preset"];
  return { preset, config: preset.config, etag: response.headers.get("etag") ?? `"${preset.hash}"` };
}

const path = (name: string): string => `/api/presets/${encodeURIComponent(name)}`;

export async function getPreset(name: string): Promise<StoredPreset> {
  return storedOf(await fetchApi(path(name)));
}

export const presetQuery = (name: string) =>
  queryOptions({ queryKey: ["preset", name], queryFn: () => getPreset(name), staleTime: 30_000, retry: false });

/** The copy that comes with the program; null when there is none of that name. */
export const builtInPresetQuery = (name: string) =>
  queryOptions({
    queryKey: ["preset-built-in", name],
    queryFn: async (): Promise<PresetConfig | null> => {
      const response = await fetchApi(`${path(name)}?built_in=true`, { acceptsStatus: [404] });
      return response.status === 404 ? null : (await storedOf(response)).config;
    },
    staleTime: Number.POSITIVE_INFINITY,
  });

export const presetSchemaQuery = queryOptions({
  queryKey: ["preset-schema"],
  queryFn: async () => (await (await fetchApi("/api/presets/schema")).json()) as SchemaNode,
  staleTime: Number.POSITIVE_INFINITY,
});

export const presetVersionsQuery = (name: string) =>
  queryOptions({
    queryKey: ["preset-versions", name],
    queryFn: async () =>
      (await unwrap(api().GET("/api/presets/{name}/versions", { params: { path: { name } } }))).versions as PresetVersion[],
  });

/** Every error and warning of a content; `name` is what it must be called. */
export async function validatePreset(config: PresetConfig, name: string | null): Promise<Verdict> {
  const reply = await unwrap(api().POST("/api/presets/validate", { body: { config, ...(name === null ? {} : { name }) } }));
  return { isValid: reply.valid, errors: reply.errors, warnings: reply.warnings };
}

export async function createPreset(config: PresetConfig): Promise<void> {
  await unwrap(api().POST("/api/presets", { body: { config } }));
}

/** Saves over the content that the ETag names; an ApiError with status 412 when there is another one by now. */
export async function savePreset(name: string, config: PresetConfig, etag: string): Promise<StoredPreset> {
  return storedOf(
    await fetchApi(path(name), {
      method: "PUT",
      headers: { "Content-Type": "application/json", "If-Match": etag },
      body: JSON.stringify({ config }),
    }),
  );
}

/** After a change of a preset: the list, the preset and its history are as old as before it. */
export async function forgetPreset(client: QueryClient, name: string): Promise<void> {
  await Promise.all([
    client.invalidateQueries({ queryKey: ["presets"] }),
    client.invalidateQueries({ queryKey: ["preset", name] }),
    client.invalidateQueries({ queryKey: ["preset-versions", name] }),
  ]);
}

/** A content that is being edited, and the stored one it began with. Kept while the application is open, so that another page does not lose it. */
export interface PresetEdit {
  base: StoredPreset;
  config: PresetConfig;
}

/** Never loaded: written by setEdit. */
export const presetEditQuery = (name: string) =>
  queryOptions({
    queryKey: ["preset-edit", name],
    queryFn: (): PresetEdit | null => null,
    enabled: false,
    initialData: null,
    gcTime: Number.POSITIVE_INFINITY,
    staleTime: Number.POSITIVE_INFINITY,
  });

export function setEdit(client: QueryClient, name: string, edit: PresetEdit | null): void {
  client.setQueryData(presetEditQuery(name).queryKey, edit);
}
