import { Button, Modal, NumberInput, Select, Switch, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { type SyntheticEvent, useState } from "react";
import { keys } from "../../api/keys";
import { useRole } from "../../api/session";
import { formatDuration, formatNumber, humanise } from "../../domain/format";
import { toApiError } from "../../domain/problem";
import { alertsText as t } from "../../texts/alerts";
import { uiText } from "../../texts/ui";
import { Badge } from "../../ui/badge";
import { ConfirmDialog } from "../../ui/confirm-dialog";
import { type Column, DataTable } from "../../ui/data-table";
import { ErrorNote, Panel } from "../../ui/panel";
import { toastDone, toastFailed } from "../../ui/toast";
import { type AlertRule, type AlertRuleRequest, deleteRule, rulesQuery, saveRule, testRule } from "./queries";
import { ruleMetrics } from "./rule-metrics";

const comparators = [">", ">=", "<", "<=", "==", "changes"] as const;
const severities = ["info", "warning", "critical"] as const;
const SECOND = 1000;

const fresh: AlertRuleRequest = {
  name: "",
  metric: "day_pnl_usd",
  comparator: "<",
  threshold: 0,
  for_s: 0,
  severity: "warning",
  channels: ["ui"],
  enabled: true,
};

function conditionText(rule: AlertRule): string {
  if (rule.comparator === "changes") return `${humanise(rule.metric)} ${rule.comparator}`;
  return `${humanise(rule.metric)} ${rule.comparator} ${rule.threshold == null ? t("rules.engine") : formatNumber(rule.threshold)}`;
}

function requestOf(rule: AlertRule): AlertRuleRequest {
  const { name, comparator, threshold, for_s, severity, cooldown_s, quiet_hours, channels, enabled } = rule;
  return {
    name,
    metric: rule.metric as AlertRuleRequest["metric"],
    comparator,
    threshold: threshold ?? null,
    for_s,
    severity,
    cooldown_s,
    quiet_hours: quiet_hours ?? null,
    channels,
    enabled,
  };
}

function RuleForm({ rule, onDone }: { rule: AlertRule | null; onDone: () => void }) {
  const client = useQueryClient();
  const [draft, setDraft] = useState<AlertRuleRequest>(rule ? requestOf(rule) : fresh);
  const save = useMutation({
    mutationFn: () =>
      saveRule(rule?.rule_id ?? null, { ...draft, threshold: draft.comparator === "changes" ? null : (draft.threshold ?? 0) }),
    onSuccess: (saved) => {
      toastDone(t("rules.saved", { name: saved.name }), t("form.title"));
      void client.invalidateQueries({ queryKey: rulesQuery.queryKey });
      onDone();
    },
  });
  const set = (patch: Partial<AlertRuleRequest>): void => setDraft({ ...draft, ...patch });
  return (
    <form
      className="stack"
      onSubmit={(event: SyntheticEvent) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      <TextInput
        label={t("form.name")}
        description={t("form.nameHint")}
        required
        value={draft.name}
        pattern="[a-z0-9_]{1,31}"
        onChange={(event) => set({ name: event.currentTarget.value })}
      />
      <Select
        label={t("form.metric")}
        data={ruleMetrics.map((word) => ({ value: word, label: humanise(word) }))}
        value={draft.metric}
        searchable
        onChange={(metric) => set({ metric: metric as AlertRuleRequest["metric"] })}
      />
      <div className="row">
        <Select
          label={t("form.comparator")}
          data={[...comparators]}
          value={draft.comparator}
          w={110}
          onChange={(comparator) => set({ comparator: comparator as AlertRuleRequest["comparator"] })}
        />
        <NumberInput
          label={t("form.threshold")}
          value={draft.threshold ?? ""}
          disabled={draft.comparator === "changes"}
          onChange={(value) => set({ threshold: typeof value === "number" ? value : null })}
        />
      </div>
      <div className="row">
        <NumberInput
          label={t("form.for")}
          min={0}
          max={86_400}
          allowDecimal={false}
          value={draft.for_s ?? 0}
          onChange={(value) => set({ for_s: Number(value) })}
        />
        <NumberInput
          label={t("form.cooldown")}
          min={0}
          max={86_400}
          allowDecimal={false}
          value={draft.cooldown_s ?? ""}
          onChange={(value) => set({ cooldown_s: value === "" ? null : Number(value) })}
        />
      </div>
      <Select
        label={t("form.severity")}
        data={[...severities]}
        value={draft.severity}
        onChange={(severity) => set({ severity: severity as AlertRuleRequest["severity"] })}
      />
      <TextInput
        label={t("form.quiet")}
        description={t("form.quietHint")}
        value={draft.quiet_hours ?? ""}
        pattern="([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d"
        onChange={(event) => set({ quiet_hours: event.currentTarget.value === "" ? null : event.currentTarget.value })}
      />
      <Switch
        label={t("form.enabled")}
        checked={draft.enabled ?? true}
        onChange={(event) => set({ enabled: event.currentTarget.checked })}
      />
      {save.error !== null && <ErrorNote name={t("form.title")} error={toApiError(save.error)} />}
      <div className="row">
        <Button type="submit" loading={save.isPending}>
          {t("form.save")}
        </Button>
        <Button variant="default" onClick={onDone}>
          {t("form.cancel")}
        </Button>
      </div>
    </form>
  );
}

const columns: Column<AlertRule>[] = [
  {
    id: "name",
    header: t("column.name"),
    isTitle: true,
    sort: (row) => row.name,
    cell: (row) => (
      <span className="row-tight">
        <strong>{humanise(row.name)}</strong>
        {row.built_in && <Badge>{t("rules.builtIn")}</Badge>}
        {!row.enabled && <Badge tone="warn">{t("rules.off")}</Badge>}
      </span>
    ),
  },
  { id: "condition", header: t("rules.condition"), cell: (row) => conditionText(row), text: conditionText },
  { id: "severity", header: t("column.severity"), cell: (row) => row.severity, sort: (row) => row.severity },
  {
    id: "for",
    header: t("rules.for"),
    align: "end",
    cell: (row) => formatDuration(row.for_s * SECOND),
    sort: (row) => row.for_s,
  },
  {
    id: "cooldown",
    header: t("rules.cooldown"),
    align: "end",
    cell: (row) => formatDuration(row.cooldown_s * SECOND),
    sort: (row) => row.cooldown_s,
  },
  { id: "quiet", header: t("rules.quiet"), cell: (row) => row.quiet_hours ?? t("rules.never") },
];

/** The rules that raise alerts: the program's own, and those of users with their editor. */
export function RuleList() {
  const query = useQuery(rulesQuery);
  const client = useQueryClient();
  const role = useRole();
  const [edited, setEdited] = useState<AlertRule | "new" | null>(null);
  const [deleted, setDeleted] = useState<AlertRule | null>(null);
  const mayAct = role === "operator" || role === "admin";
  const why = mayAct ? undefined : uiText("panel.forbidden", { role: "operator" });
  const remove = useMutation({
    mutationFn: (rule: AlertRule) => deleteRule(rule.rule_id),
    onSuccess: (_done, rule) => {
      setDeleted(null);
      toastDone(t("rules.deleted", { name: rule.name }), t("rules.title"));
      void client.invalidateQueries({ queryKey: rulesQuery.queryKey });
    },
  });
  const test = useMutation({
    mutationFn: (rule: AlertRule) => testRule(rule.rule_id),
    onSuccess: (_done, rule) => {
      toastDone(t("rules.tested", { name: rule.name }), t("rules.test"));
      void client.invalidateQueries({ queryKey: keys.alerts });
    },
    onError: (error) => toastFailed(t("rules.test"), error),
  });
  const actions: Column<AlertRule> = {
    id: "actions",
    header: t("column.actions"),
    cell: (row) => (
      <span className="row-tight">
        <Button variant="default" disabled={!mayAct} title={why} onClick={() => test.mutate(row)}>
          {t("rules.test")}
        </Button>
        {!row.built_in && (
          <>
            <Button variant="default" disabled={!mayAct} title={why} onClick={() => setEdited(row)}>
              {t("rules.edit")}
            </Button>
            <Button variant="light" color="down" disabled={!mayAct} title={why} onClick={() => setDeleted(row)}>
              {t("rules.delete")}
            </Button>
          </>
        )}
      </span>
    ),
  };
  return (
    <Panel
      title={t("rules.title")}
      query={query}
      isFlush
      note={query.data && t("rules.note", { n: query.data.length })}
      actions={
        <Button
          variant="default"
          leftSection={<Plus size={14} aria-hidden />}
          disabled={!mayAct}
          title={why}
          onClick={() => setEdited("new")}
        >
          {t("rules.new")}
        </Button>
      }
    >
      {(rows) => (
        <>
          <DataTable
            id="alerts.rules"
            label={t("rules.title")}
            rows={rows}
            columns={[...columns, actions]}
            rowKey={(row) => row.rule_id}
            rowLabel={(row) => row.name}
            defaultSort="name"
          />
          <Modal
            opened={edited !== null}
            onClose={() => setEdited(null)}
            title={t("form.title")}
            closeButtonProps={{ "aria-label": t("form.cancel") }}
          >
            {edited !== null && <RuleForm rule={edited === "new" ? null : edited} onDone={() => setEdited(null)} />}
          </Modal>
          <ConfirmDialog
            isOpen={deleted !== null}
            title={t("rules.delete")}
            form={{ kind: "plain" }}
            effect={deleted ? [t("rules.deleteEffect", { name: deleted.name })] : []}
            confirmLabel={t("rules.delete")}
            isDangerous
            isPending={remove.isPending}
            error={remove.error === null ? null : toApiError(remove.error)}
            onConfirm={() => {
              if (deleted) remove.mutate(deleted);
            }}
            onClose={() => setDeleted(null)}
          />
        </>
      )}
    </Panel>
  );
}
