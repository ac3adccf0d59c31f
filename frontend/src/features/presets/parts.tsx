import { Button, Textarea } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { builtInPresetQuery, presetVersionsQuery, type PresetVersion } from "../../api/presets";
import { CommandButton } from "../../commands/host";
import { restorePreset } from "../../commands/presets";
import { differencesOf, isEqual, type KeyDifference, type PresetConfig, valueText } from "../../domain/preset-schema";
import { presetsText as t } from "../../texts/presets";
import { type Column, DataTable } from "../../ui/data-table";
import { Panel } from "../../ui/panel";
import { Time } from "../../ui/time";
import { Value } from "../../ui/value";
import css from "./presets.module.css";
import type { Editor } from "./use-editor";

/* ---- what somebody else saved ---- */

export function ConflictNote({ editor }: { editor: Editor }) {
  const theirs = differencesOf(editor.schema, editor.base.config, editor.stored.config);
  return (
    <section className={css.conflict} role="alert">
      <h2>{t("conflict.title")}</h2>
      <p>{theirs.length === 0 ? t("conflict.same") : t("conflict.text", { n: theirs.length })}</p>
      {theirs.length > 0 && <DifferenceTable id="presets.conflict" label={t("conflict.title")} rows={theirs} />}
      <div className="row">
        <Button onClick={() => editor.rebase("merge")}>{t("conflict.merge")}</Button>
        <Button variant="default" onClick={editor.drop}>
          {t("conflict.take")}
        </Button>
        <Button variant="default" onClick={() => editor.rebase("over")}>
          {t("conflict.over")}
        </Button>
      </div>
    </section>
  );
}

/* ---- differences ---- */

interface DifferenceTableProps {
  id: string;
  label: string;
  rows: readonly KeyDifference[];
  onKey?: ((key: string) => void) | undefined;
  onUse?: ((row: KeyDifference) => void) | undefined;
}

function DifferenceTable({ id, label, rows, onKey, onUse }: DifferenceTableProps) {
  const columns: Column<KeyDifference>[] = [
    {
      id: "key",
      header: t("changes.key"),
      cell: (row) =>
        onKey ? (
          <button type="button" className={css.toKey} onClick={() => onKey(row.key)}>
            {row.key}
          </button>
        ) : (
          <span className="mono small">{row.key}</span>
        ),
      sort: (row) => row.key,
      isTitle: true,
    },
    { id: "then", header: t("changes.then"), cell: (row) => <span className={css.value}>{valueText(row.a)}</span> },
    { id: "now", header: t("changes.now"), cell: (row) => <span className={css.value}>{valueText(row.b)}</span> },
  ];
  if (onUse)
    columns.push({
      id: "use",
      header: t("history.actions"),
      cell: (row) => (
        <Button variant="subtle" aria-label={`${t("changes.use")}: ${row.key}`} onClick={() => onUse(row)}>
          {t("changes.use")}
        </Button>
      ),
    });
  return <DataTable id={id} label={label} rows={rows} columns={columns} rowKey={(row) => row.key} />;
}

interface ChangesProps {
  editor: Editor;
  isReadOnly: boolean;
  onKey: (key: string) => void;
}

export function Changes({ editor, isReadOnly, onKey }: ChangesProps) {
  const builtIn = useQuery(builtInPresetQuery(editor.name));
  const use = isReadOnly ? undefined : (row: KeyDifference) => editor.change(row.key, row.a);
  const none = (rows: readonly KeyDifference[]) => (rows.length === 0 ? <p className="text-2">{t("changes.none")}</p> : null);
  return (
    <div className="stack">
      <Panel title={t("changes.saved")} note={editor.differences.length} isFlush={editor.differences.length > 0}>
        {none(editor.differences) ?? (
          <DifferenceTable id="presets.changes" label={t("changes.saved")} rows={editor.differences} onKey={onKey} onUse={use} />
        )}
      </Panel>
      <Panel title={t("changes.builtIn")} query={builtIn}>
        {(config: PresetConfig | null) => {
          if (config === null) return <p className="text-2">{t("changes.noBuiltIn")}</p>;
          const rows = differencesOf(editor.schema, config, editor.config);
          return (
            none(rows) ?? (
              <DifferenceTable id="presets.builtIn" label={t("changes.builtIn")} rows={rows} onKey={onKey} onUse={use} />
            )
          );
        }}
      </Panel>
    </div>
  );
}

/* ---- history ---- */

export function History({ editor }: { editor: Editor }) {
  const query = useQuery(presetVersionsQuery(editor.name));
  const columns: Column<PresetVersion>[] = [
    { id: "ts", header: t("history.time"), cell: (row) => <Time at={row.ts} />, sort: (row) => row.ts, isTitle: true },
    {
      id: "user",
      header: t("history.user"),
      cell: (row) => <Value reason={t("history.noUser")}>{row.user ?? null}</Value>,
      sort: (row) => row.user,
    },
    {
      id: "hash",
      header: t("history.hash"),
      cell: (row) => (
        <Value reason={t("history.noHash")}>
          {row.hash == null ? null : <span className="mono small">{row.hash.slice(0, 12)}</span>}
        </Value>
      ),
    },
    {
      id: "actions",
      header: t("history.actions"),
      cell: (row) => (
        <CommandButton
          command={restorePreset}
          args={{ name: editor.name, version: row, unsaved: editor.differences.length, onDone: editor.refresh }}
        />
      ),
    },
  ];
  return (
    <Panel
      title={t("tab.history")}
      query={query}
      isFlush
      empty={(rows) => (rows.length === 0 ? { text: t("history.empty") } : null)}
    >
      {(rows) => (
        <DataTable id="presets.history" label={t("tab.history")} rows={rows} columns={columns} rowKey={(row) => row.id} />
      )}
    </Panel>
  );
}

/* ---- JSON ---- */

function parseConfig(text: string): PresetConfig | string {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return t("json.notObject");
    return value as PresetConfig;
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
}

/** The whole preset as text: what is typed is what the form shows; text that is no JSON stays here with what is wrong. */
export function JsonView({ editor, isReadOnly }: { editor: Editor; isReadOnly: boolean }) {
  const [typed, setTyped] = useState<string | null>(null);
  const parsed = typed === null ? null : parseConfig(typed);
  // What the form changed meanwhile is shown instead of what was typed before.
  const isOwn = typed !== null && (typeof parsed === "string" || isEqual(parsed, editor.config));
  return (
    <Panel title={t("tab.json")}>
      <Textarea
        className={css.json ?? ""}
        aria-label={t("json.label")}
        description={t("json.hint")}
        autosize
        minRows={20}
        maxRows={44}
        spellCheck={false}
        readOnly={isReadOnly}
        value={isOwn ? typed : JSON.stringify(editor.config, null, 2)}
        error={typeof parsed === "string" ? t("json.broken", { message: parsed }) : undefined}
        onChange={(event) => {
          const text = event.currentTarget.value;
          setTyped(text);
          const next = parseConfig(text);
          if (typeof next !== "string") editor.replace(next);
        }}
      />
    </Panel>
  );
}
