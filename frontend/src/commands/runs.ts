import { CircleStop, Trash2 } from "lucide-react";
import { api, unwrap } from "../api/client";
import type { components } from "../api/generated";
import type { Run } from "../api/types";
import { formatBytes, formatCount, formatFraction } from "../domain/format";
import { backtestsText as t } from "../texts/backtests";
import { roleAllows } from "./rules";
import { ALLOWED, type Command, forbidden } from "./types";

type Dataset = components["schemas"]["Dataset"];

const group = t("list.title");

function isGoingOn(run: Run): boolean {
  return run.status === "queued" || run.status === "running";
}

export const cancelRun: Command<{ run: Run }> = {
  id: "run.cancel",
  group,
  label: () => t("cancel.label"),
  icon: CircleStop,
  role: "operator",
  allowed: (context, { run }) => {
    const verdict = roleAllows(context, "operator");
    return verdict.isAllowed && !isGoingOn(run) ? forbidden(t("cancel.why.ended")) : verdict;
  },
  confirm: (_context, { run }) => ({
    form: { kind: "plain" },
    effect: [t("cancel.effect", { id: run.run_id, progress: formatFraction(run.progress, false, 0) })],
  }),
  run: async (_context, { run }) => {
    await unwrap(api().POST("/api/backtests/{id}/cancel", { params: { path: { id: run.run_id } } }));
    return { message: t("cancel.done", { id: run.run_id }) };
  },
};

export const deleteRun: Command<{ run: Run; onDone: () => void }> = {
  id: "run.delete",
  group,
  label: () => t("delete.label"),
  icon: Trash2,
  role: "operator",
  isDangerous: true,
  allowed: (context, { run }) => {
    const verdict = roleAllows(context, "operator");
    return verdict.isAllowed && isGoingOn(run) ? forbidden(t("delete.why.running")) : verdict;
  },
  confirm: (_context, { run }) => ({
    form: { kind: "plain" },
    isDangerous: true,
    effect: [t("delete.effect", { id: run.run_id })],
  }),
  run: async (_context, { run, onDone }) => {
    await unwrap(api().DELETE("/api/backtests/{id}", { params: { path: { id: run.run_id } } }));
    onDone();
    return { message: t("delete.done", { id: run.run_id }) };
  },
};

export const deleteDataset: Command<{ dataset: Dataset; onDone: () => void }> = {
  id: "dataset.delete",
  group: t("datasets.title"),
  label: () => t("datasets.delete"),
  icon: Trash2,
  role: "admin",
  isDangerous: true,
  allowed: (context, { dataset }) => {
    const verdict = roleAllows(context, "admin");
    if (!verdict.isAllowed) return verdict;
    return dataset.built_in ? forbidden(t("datasets.why.builtIn")) : ALLOWED;
  },
  confirm: (_context, { dataset }) => ({
    form: { kind: "plain" },
    isDangerous: true,
    effect: [
      t("datasets.deleteEffect", {
        name: dataset.name,
        rows: formatCount(dataset.rows),
        n: dataset.symbols.length,
        size: formatBytes(dataset.bytes),
      }),
    ],
  }),
  run: async (_context, { dataset, onDone }) => {
    await unwrap(api().DELETE("/api/datasets/{id}", { params: { path: { id: dataset.dataset_id } } }));
    onDone();
    return { message: t("datasets.deleteDone", { name: dataset.name }) };
  },
};
