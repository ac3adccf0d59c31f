import { Button, SegmentedControl, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { keys } from "../../api/keys";
import { useFeedTopics } from "../../api/live";
import { alertsQuery } from "../../api/queries";
import { useRole } from "../../api/session";
import type { Alert } from "../../api/types";
import { formatNumber, humanise, type Tone } from "../../domain/format";
import { toApiError } from "../../domain/problem";
import { useSearchState } from "../../hooks/use-search-state";
import { alertsText as t } from "../../texts/alerts";
import { uiText } from "../../texts/ui";
import { Badge } from "../../ui/badge";
import { ConfirmDialog } from "../../ui/confirm-dialog";
import { type Column, DataTable } from "../../ui/data-table";
import { Panel } from "../../ui/panel";
import { Time, TimeAgo } from "../../ui/time";
import { toastDone } from "../../ui/toast";
import { Value } from "../../ui/value";
import { acknowledge } from "./queries";

const tabs = ["firing", "acknowledged", "history"] as const;
type Tab = (typeof tabs)[number];
const tones: Record<Alert["severity"], Tone> = { info: "info", warning: "warn", critical: "down" };

const columns: Column<Alert>[] = [
  {
    id: "severity",
    header: t("column.severity"),
    cell: (row) => <Badge tone={tones[row.severity]}>{row.severity}</Badge>,
    sort: (row) => ["info", "warning", "critical"].indexOf(row.severity),
  },
  {
    id: "name",
    header: t("column.name"),
    cell: (row) => <strong>{humanise(row.name)}</strong>,
    sort: (row) => row.name,
    isTitle: true,
  },
  { id: "subject", header: t("column.subject"), cell: (row) => row.subject, sort: (row) => row.subject },
  { id: "message", header: t("column.message"), cell: (row) => row.message, text: (row) => row.message },
  {
    id: "value",
    header: t("column.value"),
    align: "end",
    cell: (row) => <Value reason={t("value.noLimit")}>{row.value == null ? null : formatNumber(row.value)}</Value>,
  },
  {
    id: "threshold",
    header: t("column.threshold"),
    align: "end",
    cell: (row) => <Value reason={t("value.noLimit")}>{row.threshold == null ? null : formatNumber(row.threshold)}</Value>,
  },
  { id: "since", header: t("column.since"), cell: (row) => <TimeAgo at={row.since_at} />, sort: (row) => row.since_at },
  {
    id: "resolved",
    header: t("column.resolved"),
    cell: (row) => <Time at={row.resolved_at} reason={t("value.notResolved")} />,
    sort: (row) => row.resolved_at,
  },
  { id: "count", header: t("column.count"), align: "end", cell: (row) => row.count, sort: (row) => row.count },
  {
    id: "acked",
    header: t("column.acked"),
    cell: (row) => (
      <Value reason={t("value.notAcked")}>
        {row.acked_by == null ? null : `${row.acked_by}${row.note ? ` · ${row.note}` : ""}`}
      </Value>
    ),
  },
  { id: "runbook", header: t("column.runbook"), cell: (row) => row.runbook, isHiddenByDefault: true },
];

function belongs(alert: Alert, tab: Tab): boolean {
  return tab === "history" || alert.state === tab;
}

function AckDialog({ alert, onClose }: { alert: Alert | null; onClose: () => void }) {
  const client = useQueryClient();
  const [note, setNote] = useState("");
  const act = useMutation({
    mutationFn: (given: Alert) => acknowledge(given.alert_id, note.trim()),
    onSuccess: (_done, given) => {
      toastDone(t("ack.done", { name: humanise(given.name) }), t("ack.label"));
      void client.invalidateQueries({ queryKey: keys.alerts });
      onClose();
    },
  });
  return (
    <ConfirmDialog
      isOpen={alert !== null}
      title={t("ack.label")}
      form={{ kind: "plain" }}
      effect={alert ? [t("ack.effect", { name: humanise(alert.name) })] : []}
      confirmLabel={t("ack.label")}
      isPending={act.isPending}
      error={act.error === null ? null : toApiError(act.error)}
      onConfirm={() => {
        if (alert) act.mutate(alert);
      }}
      onClose={onClose}
    >
      <TextInput label={t("ack.note")} value={note} maxLength={200} onChange={(event) => setNote(event.currentTarget.value)} />
    </ConfirmDialog>
  );
}

/** Alerts that fire, that somebody has seen, and all of before. */
export function AlertList() {
  const [search, setSearch] = useSearchState({ show: "firing" });
  const [asked, setAsked] = useState<Alert | null>(null);
  const query = useQuery(alertsQuery);
  const role = useRole();
  useFeedTopics(["alerts"]);
  const tab = tabs.find((word) => word === search.show) ?? "firing";
  const mayAct = role === "operator" || role === "admin";
  const actions: Column<Alert> = {
    id: "actions",
    header: t("column.actions"),
    cell: (row) =>
      row.state === "firing" ? (
        <Button
          variant="default"
          disabled={!mayAct}
          title={mayAct ? undefined : uiText("panel.forbidden", { role: "operator" })}
          onClick={() => setAsked(row)}
        >
          {t("ack.label")}
        </Button>
      ) : null,
  };
  return (
    <Panel
      title={t("list.title")}
      query={query}
      renewed="feed"
      isFlush
      actions={
        <SegmentedControl
          aria-label={t("tab.label")}
          data={tabs.map((word) => ({ value: word, label: t(`tab.${word}`) }))}
          value={tab}
          onChange={(show) => setSearch({ show })}
        />
      }
      empty={(rows) => (rows.some((row) => belongs(row, tab)) ? null : { text: t(`list.none.${tab}`) })}
    >
      {(rows) => (
        <>
          <DataTable
            id="alerts.list"
            label={t("list.title")}
            rows={rows.filter((row) => belongs(row, tab))}
            columns={[...columns, actions]}
            rowKey={(row) => row.alert_id}
            rowLabel={(row) => row.name}
            defaultSort="-since"
            hasFilter
            isPrimary
          />
          <AckDialog key={asked?.alert_id} alert={asked} onClose={() => setAsked(null)} />
        </>
      )}
    </Panel>
  );
}
