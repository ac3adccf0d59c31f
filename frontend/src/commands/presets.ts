import { History, RadioTower, Trash2 } from "lucide-react";
import { api, unwrap } from "../api/client";
import { type PresetVersion, savePreset } from "../api/presets";
import type { Preset } from "../api/types";
import { formatDateTime } from "../domain/format";
import { type KeyDifference, type PresetConfig, valueText } from "../domain/preset-schema";
import { presetsText as t } from "../texts/presets";
import { engineAllows, roleAllows } from "./rules";
import { ALLOWED, type Command, type CommandContext, forbidden, type Verdict } from "./types";

const group = t("list.title");

type Named = Pick<Preset, "name" | "built_in" | "modified" | "in_use">;

function mayDelete(context: CommandContext, preset: Named): Verdict {
  const verdict = roleAllows(context, "admin");
  if (!verdict.isAllowed) return verdict;
  if (preset.in_use) return forbidden(t("delete.why.inUse"));
  return preset.built_in && !preset.modified ? forbidden(t("delete.why.builtIn")) : ALLOWED;
}

/** Removes a preset of one's own, or the changes of a built-in one. */
export const deletePreset: Command<{ preset: Named; onDone: () => void }> = {
  id: "preset.delete",
  group,
  label: ({ preset }) => t(preset.built_in ? "delete.modified" : "delete.label"),
  icon: Trash2,
  role: "admin",
  isDangerous: true,
  allowed: (context, { preset }) => mayDelete(context, preset),
  confirm: (_context, { preset }) => ({
    form: { kind: "plain" },
    isDangerous: true,
    effect: [t(preset.built_in ? "delete.effectModified" : "delete.effect", { name: preset.name })],
  }),
  run: async (_context, { preset, onDone }) => {
    const reply = await unwrap(api().DELETE("/api/presets/{name}", { params: { path: { name: preset.name } } }));
    onDone();
    return { message: t(reply.restored_built_in ? "delete.doneBuiltIn" : "delete.done", { name: preset.name }) };
  },
};

interface RestoreArgs {
  name: string;
  version: PresetVersion;
  /** Changes of the editor that would be lost. */
  unsaved: number;
  onDone: () => void;
}

export const restorePreset: Command<RestoreArgs> = {
  id: "preset.restore",
  group,
  label: () => t("restore.label"),
  icon: History,
  role: "operator",
  allowed: (context) => roleAllows(context, "operator"),
  confirm: (_context, { name, version, unsaved }) => ({
    form: { kind: "plain" },
    effect: [
      t("restore.effect", { name, time: formatDateTime(version.ts) }),
      ...(unsaved > 0 ? [t("restore.unsaved", { n: unsaved })] : []),
    ],
  }),
  run: async (_context, { name, version, onDone }) => {
    await unwrap(api().POST("/api/presets/{name}/versions/{id}/restore", { params: { path: { name, id: version.id } } }));
    onDone();
    return { message: t("restore.done", { name, time: formatDateTime(version.ts) }) };
  },
};

interface ApplyArgs {
  name: string;
  /** What is saved before; null when the stored content is to be read as it is. */
  save: { config: PresetConfig; etag: string } | null;
  differences: readonly KeyDifference[];
  /** After the save, before the session has taken it over. */
  onSaved: () => void;
}

const LINES_MAX = 12;

/** Saves the preset of the running session and has the session read it; shows the changed keys before. */
export const applyPreset: Command<ApplyArgs> = {
  id: "preset.apply",
  group,
  label: () => t("apply.label"),
  icon: RadioTower,
  role: "operator",
  allowed: (context, { name }) => {
    const verdict = engineAllows(context, "reload", "operator");
    if (!verdict.isAllowed) return verdict;
    const preset = context.engine?.preset ?? "";
    if (preset === "") return forbidden(t("apply.why.noSession"));
    return preset === name ? ALLOWED : forbidden(t("apply.why.other", { preset }));
  },
  confirm: (_context, { name, differences }) => ({
    form: { kind: "plain" },
    effect: [
      t("apply.effect", { name }),
      ...(differences.length === 0 ? [t("apply.none")] : []),
      ...differences.slice(0, LINES_MAX).map(({ key, a, b }) => t("apply.line", { key, from: valueText(a), to: valueText(b) })),
      ...(differences.length > LINES_MAX ? [t("apply.more", { n: differences.length - LINES_MAX })] : []),
    ],
  }),
  run: async (_context, { name, save, onSaved }) => {
    if (save) {
      await savePreset(name, save.config, save.etag);
      onSaved();
    }
    const reply = await unwrap(api().POST("/api/engine/reload", { body: {} }));
    return { message: reply.message };
  },
};
