import { Button, Tabs } from "@mantine/core";
import { Copy, FlaskConical, Save, Undo2 } from "lucide-react";
import { useState } from "react";
import { useNavigate } from "@tanstack/react-router";
import type { StoredPreset } from "../../api/presets";
import { hasRole, useRole } from "../../api/session";
import { CommandButton } from "../../commands/host";
import { applyPreset, deletePreset } from "../../commands/presets";
import { type Finding, nodeAt, type SchemaNode } from "../../domain/preset-schema";
import { type ApiError, toApiError } from "../../domain/problem";
import { useSearchState } from "../../hooks/use-search-state";
import { presetsText as t } from "../../texts/presets";
import { Badge } from "../../ui/badge";
import { EmptyNote, ErrorNote, Panel, type QueryLike, Skeleton } from "../../ui/panel";
import { FindingLine, SchemaForm } from "../../ui/schema-form";
import { toastDone } from "../../ui/toast";
import { WhyButton } from "../../ui/why-button";
import { DryScanPanel } from "./dry-scan";
import { Changes, ConflictNote, History, JsonView } from "./parts";
import { NewPreset, OriginBadges } from "./preset-list";
import css from "./presets.module.css";
import { type Editor, useEditor, usePresetParts } from "./use-editor";

const TABS = ["form", "json", "changes", "history", "dry"] as const;

function CheckState({ editor }: { editor: Editor }) {
  const { verdict, isChecking, checkError, differences } = editor;
  return (
    <span className="row-tight" role="status">
      <Badge tone={differences.length > 0 ? "accent" : "neutral"}>
        {differences.length > 0 ? t("state.unsaved", { n: differences.length }) : t("state.saved")}
      </Badge>
      {checkError !== null && !isChecking ? (
        <Badge tone="warn" title={toApiError(checkError).message}>
          {t("state.failed")}
        </Badge>
      ) : isChecking || !verdict ? (
        <Badge>{t("state.checking")}</Badge>
      ) : verdict.isValid ? (
        <Badge tone="up">{t("state.valid")}</Badge>
      ) : (
        <Badge tone="down">{t("state.invalid", { n: verdict.errors.length })}</Badge>
      )}
      {verdict && verdict.warnings.length > 0 && <Badge tone="warn">{t("state.warnings", { n: verdict.warnings.length })}</Badge>}
    </span>
  );
}

function Actions({ editor, isReadOnly }: { editor: Editor; isReadOnly: boolean }) {
  const navigate = useNavigate();
  const [error, setError] = useState<ApiError | null>(null);
  const [isPending, setPending] = useState(false);
  const [isCopying, setCopying] = useState(false);
  const { name, differences, verdict, stored } = editor;
  const isWrong = verdict !== undefined && !verdict.isValid;
  const isBlocked = isWrong || editor.isChecking;
  const why = isReadOnly
    ? t("why.role", { role: "operator" })
    : differences.length === 0 && !editor.isConflict
      ? t("why.unchanged")
      : isWrong
        ? t("why.invalid")
        : null;
  const save = async (): Promise<void> => {
    setPending(true);
    setError(null);
    try {
      await editor.save();
      toastDone(t("save.done", { name }));
    } catch (thrown) {
      const failure = toApiError(thrown);
      // A conflict has a note of its own.
      if (failure.code !== "etag_mismatch") setError(failure);
    } finally {
      setPending(false);
    }
  };
  return (
    <div className="stack">
      <div className={css.head}>
        <OriginBadges preset={stored.preset} />
        <CheckState editor={editor} />
        <span className={css.pusher} />
        <WhyButton why={why} loading={isPending} leftSection={<Save size={14} aria-hidden />} onClick={() => void save()}>
          {t("save.label")}
        </WhyButton>
        {differences.length > 0 && (
          <Button variant="default" leftSection={<Undo2 size={14} aria-hidden />} onClick={editor.drop}>
            {t("discard.label")}
          </Button>
        )}
        {stored.preset.in_use && !isBlocked && (
          <CommandButton
            command={applyPreset}
            args={{
              name,
              save: differences.length === 0 ? null : { config: editor.config, etag: editor.base.etag },
              differences,
              onSaved: editor.refresh,
            }}
          />
        )}
        <WhyButton
          variant="default"
          why={isWrong ? t("why.invalid") : null}
          leftSection={<FlaskConical size={14} aria-hidden />}
          onClick={() => void navigate({ to: "/backtests/new", search: { preset: name } as never })}
        >
          {t("backtest.label")}
        </WhyButton>
        <WhyButton
          variant="default"
          why={isReadOnly ? t("why.role", { role: "operator" }) : null}
          leftSection={<Copy size={14} aria-hidden />}
          onClick={() => setCopying(true)}
        >
          {t("copy.label")}
        </WhyButton>
        {(!stored.preset.built_in || stored.preset.modified) && (
          <CommandButton
            command={deletePreset}
            args={{
              preset: stored.preset,
              onDone: () => {
                editor.refresh();
                if (!stored.preset.built_in) void navigate({ to: "/presets" });
              },
            }}
          />
        )}
      </div>
      {error && <ErrorNote name={t("save.label")} error={error} />}
      {editor.isConflict && <ConflictNote editor={editor} />}
      <NewPreset from={isCopying ? name : null} onClose={() => setCopying(false)} />
    </div>
  );
}

/** Every error and warning, each a way to its field. */
function FindingList({ editor, onKey }: { editor: Editor; onKey: (path: string) => void }) {
  const { verdict } = editor;
  if (!verdict || (verdict.errors.length === 0 && verdict.warnings.length === 0)) return null;
  const line = (finding: Finding, isWarning: boolean) => (
    <li key={`${finding.path}${finding.code}${isWarning}`} className={css.finding}>
      <button type="button" className={css.toKey} onClick={() => onKey(finding.path.replace(/\[.*$/, ""))}>
        {finding.path}
      </button>
      <FindingLine finding={finding} isWarning={isWarning} />
    </li>
  );
  return (
    <Panel title={t("errors.title")}>
      <ul className={css.findings}>
        {verdict.errors.map((finding) => line(finding, false))}
        {verdict.warnings.map((finding) => line(finding, true))}
      </ul>
    </Panel>
  );
}

function About({ text }: { text: string }) {
  const [isWhole, setWhole] = useState(false);
  return (
    <div className={css.about}>
      <p className={isWhole ? undefined : css.clamped}>{text}</p>
      {!isWhole && text.length > 240 && (
        <Button variant="subtle" onClick={() => setWhole(true)}>
          {t("page.aboutMore")}
        </Button>
      )}
    </div>
  );
}

function LoadedEditor({ name, schema, stored }: { name: string; schema: SchemaNode; stored: StoredPreset }) {
  const editor = useEditor(name, schema, stored);
  const [search, setSearch] = useSearchState({ tab: "form", section: "risk", find: "" });
  const isReadOnly = !hasRole(useRole(), "operator");
  const tab = TABS.find((word) => word === search.tab) ?? "form";
  // A section's own findings (a missing one) lead to its first page.
  const showKey = (path: string): void => {
    const isGroup = nodeAt(schema, path)?.properties !== undefined;
    setSearch({
      tab: "form",
      find: "",
      section: isGroup ? path : path.includes(".") ? path.slice(0, path.lastIndexOf(".")) : "",
    });
  };
  return (
    <div className="stack">
      <Actions editor={editor} isReadOnly={isReadOnly} />
      <About text={stored.preset.description} />
      <FindingList editor={editor} onKey={showKey} />
      <Tabs value={tab} onChange={(next) => setSearch({ tab: next ?? "form" })} keepMounted={false}>
        <Tabs.List aria-label={t("tab.label")}>
          {TABS.map((word) => (
            <Tabs.Tab key={word} value={word}>
              {t(`tab.${word}`)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value={tab} pt="sm">
          {tab === "form" && (
            <SchemaForm
              schema={schema}
              config={editor.config}
              saved={editor.base.config}
              errors={editor.verdict?.errors ?? []}
              warnings={editor.verdict?.warnings ?? []}
              isReadOnly={isReadOnly}
              onChange={editor.change}
              section={search.section}
              onSection={(section) => setSearch({ section })}
              filter={search.find}
              onFilter={(find) => setSearch({ find })}
            />
          )}
          {tab === "json" && <JsonView editor={editor} isReadOnly={isReadOnly} />}
          {tab === "changes" && <Changes editor={editor} isReadOnly={isReadOnly} onKey={showKey} />}
          {tab === "history" && <History editor={editor} />}
          {tab === "dry" && <DryScanPanel name={name} isUnsaved={editor.differences.length > 0} />}
        </Tabs.Panel>
      </Tabs>
    </div>
  );
}

/** A preset: its keys as a form and as JSON, what differs, what it was, and what it would find now. */
export function PresetEditor({ name }: { name: string }) {
  const { schema, stored } = usePresetParts(name);
  const failed: QueryLike<unknown> | undefined = [stored, schema].find(
    (query) => query.data === undefined && query.error !== null,
  );
  if (failed) {
    const error = toApiError(failed.error);
    return (
      <Panel title={name}>
        <ErrorNote name={name} error={error} onRetry={() => void failed.refetch()} />
        {error.fields.length > 0 && (
          <ul className={css.findings}>
            {error.fields.map((field) => (
              <li key={`${field.path}${field.code}`} className={css.finding}>
                <span className="mono small">{field.path}</span>
                <FindingLine finding={field} />
              </li>
            ))}
          </ul>
        )}
        {error.code === "preset_invalid" && <EmptyNote text={t("page.broken")} />}
      </Panel>
    );
  }
  if (!schema.data || !stored.data)
    return (
      <Panel title={name}>
        <Skeleton shape="rows" name={name} />
      </Panel>
    );
  return <LoadedEditor key={name} name={name} schema={schema.data} stored={stored.data} />;
}
