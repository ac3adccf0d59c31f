import { useQuery } from "@tanstack/react-query";
import { healthQuery } from "../../api/queries";
import type { components } from "../../api/generated";
import { humanise, type Tone } from "../../domain/format";
import { monitoringText as t } from "../../texts/monitoring";
import { Badge } from "../../ui/badge";
import { type Column, DataTable } from "../../ui/data-table";
import { Panel } from "../../ui/panel";
import { Time } from "../../ui/time";

type Component = components["schemas"]["ComponentHealth"];

const tones: Record<string, Tone> = {
  ok: "up",
  degraded: "warn",
  failed: "down",
  off: "neutral",
  healthy: "up",
  unhealthy: "down",
};

const columns: Column<Component>[] = [
  {
    id: "name",
    header: t("health.name"),
    cell: (row) => <strong>{humanise(row.name)}</strong>,
    sort: (row) => row.name,
    isTitle: true,
  },
  {
    id: "status",
    header: t("health.status"),
    cell: (row) => <Badge tone={tones[row.status]}>{row.status}</Badge>,
    sort: (row) => row.status,
  },
  { id: "detail", header: t("health.detail"), cell: (row) => row.detail, text: (row) => row.detail },
  {
    id: "since",
    header: t("health.since"),
    cell: (row) => <Time at={row.since_at} reason={t("health.noSince")} />,
    sort: (row) => row.since_at,
  },
];

/** Every part of the program: is it well, and since when. */
export function HealthList() {
  const query = useQuery(healthQuery);
  return (
    <>
      <Panel
        title={t("health.title")}
        query={query}
        renewed={10_000}
        isFlush
        note={query.data && <Badge tone={tones[query.data.status]}>{t("health.note", { status: query.data.status })}</Badge>}
      >
        {(data) => (
          <DataTable
            id="monitoring.health"
            label={t("health.title")}
            rows={data.components ?? []}
            columns={columns}
            rowKey={(row) => row.name}
            hasFilter={false}
            hasColumnChoice={false}
            isPrimary
          />
        )}
      </Panel>
      <Panel
        title={t("health.issues")}
        query={query}
        empty={(data) => ((data.issues ?? []).length === 0 ? { text: t("health.noIssues") } : null)}
      >
        {(data) => (
          <ul>
            {(data.issues ?? []).map((issue) => (
              <li key={issue}>{issue}</li>
            ))}
          </ul>
        )}
      </Panel>
    </>
  );
}
