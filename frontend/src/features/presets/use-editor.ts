import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect } from "react";
import {
  forgetPreset,
  presetEditQuery,
  presetQuery,
  presetSchemaQuery,
  savePreset,
  setEdit,
  type StoredPreset,
  validatePreset,
  type Verdict,
} from "../../api/presets";
import { differencesOf, type KeyDifference, type PresetConfig, type SchemaNode, withValue } from "../../domain/preset-schema";
import { ApiError } from "../../domain/problem";

const CHECK_MS = 350;

export interface Editor {
  name: string;
  schema: SchemaNode;
  /** What the server has now. */
  stored: StoredPreset;
  /** What the edit began with; another one than `stored` when somebody saved meanwhile. */
  base: StoredPreset;
  config: PresetConfig;
  differences: KeyDifference[];
  isConflict: boolean;
  verdict: Verdict | undefined;
  isChecking: boolean;
  checkError: unknown;
  change: (path: string, value: unknown) => void;
  replace: (config: PresetConfig) => void;
  drop: () => void;
  /** The edit goes on from the stored content: with its changes put on it, or as it is over it. */
  rebase: (way: "merge" | "over") => void;
  save: () => Promise<void>;
  /** The stored content changed by an order of ours. */
  refresh: () => void;
}

/** Every change of b against a, put on another content. */
function mergeChanges(changes: readonly KeyDifference[], onto: PresetConfig): PresetConfig {
  return changes.reduce((config, { key, b }) => withValue(config, key, b), onto);
}

/** A preset being edited: kept while the application is open, checked by the server as one types. */
export function useEditor(name: string, schema: SchemaNode, stored: StoredPreset): Editor {
  const client = useQueryClient();
  const { data: edit } = useQuery(presetEditQuery(name));
  const base = edit?.base ?? stored;
  const config = edit?.config ?? stored.config;
  const differences = differencesOf(schema, base.config, config);
  const isConflict = edit !== null && edit.base.etag !== stored.etag;

  const [checked] = useDebouncedValue(config, CHECK_MS);
  const check = useQuery({
    queryKey: ["preset-check", name, checked],
    queryFn: () => validatePreset(checked, name),
    placeholderData: keepPreviousData,
    gcTime: 10_000,
    staleTime: Number.POSITIVE_INFINITY,
  });

  const replace = useCallback(
    (next: PresetConfig) => {
      const isSame = differencesOf(schema, base.config, next).length === 0;
      setEdit(client, name, isSame && base.etag === stored.etag ? null : { base, config: next });
    },
    [client, name, base, stored, schema],
  );
  const isChanged = differences.length > 0;
  useEffect(() => {
    if (!isChanged) return;
    const ask = (event: BeforeUnloadEvent): void => event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [isChanged]);

  return {
    name,
    schema,
    stored,
    base,
    config,
    differences,
    isConflict,
    verdict: check.data,
    isChecking: check.isFetching || checked !== config,
    checkError: check.error,
    change: (path, value) => replace(withValue(config, path, value)),
    replace,
    drop: () => setEdit(client, name, null),
    rebase: (way) =>
      setEdit(client, name, {
        base: stored,
        config: way === "merge" ? mergeChanges(differences, stored.config) : config,
      }),
    save: async () => {
      try {
        const saved = await savePreset(name, config, base.etag);
        client.setQueryData(presetQuery(name).queryKey, saved);
        setEdit(client, name, null);
        await forgetPreset(client, name);
      } catch (thrown) {
        // Somebody was faster: what is stored now is shown beside the edit.
        if (thrown instanceof ApiError && thrown.code === "etag_mismatch")
          await client.refetchQueries({ queryKey: presetQuery(name).queryKey });
        throw thrown;
      }
    },
    refresh: () => {
      setEdit(client, name, null);
      void forgetPreset(client, name);
    },
  };
}

export function usePresetParts(name: string) {
  return { schema: useQuery(presetSchemaQuery), stored: useQuery(presetQuery(name)) };
}
