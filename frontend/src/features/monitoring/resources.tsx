import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { formatBytes, formatCount, formatPercent, type Tone } from "../../domain/format";
import { monitoringText as t } from "../../texts/monitoring";
import { Badge } from "../../ui/badge";
import { LimitBar } from "../../ui/bar";
import { type Column, DataTable } from "../../ui/data-table";
import { LineChart } from "../../ui/line-chart";
import { Panel } from "../../ui/panel";
import { Time } from "../../ui/time";
import { Value } from "../../ui/value";
import css from "./monitoring.module.css";
import { resourcesQuery, type Rollups, rollupsQuery } from "./queries";

const MB = 1e6;
const tones: Record<"healthy" | "warning" | "critical", Tone> = { healthy: "up", warning: "warn", critical: "down" };

type Name = "cpu_percent" | "memory_percent" | "disk_usage_percent";
const charts: readonly { name: Name; label: string }[] = [
  { name: "cpu_percent", label: t("resources.cpu") },
  { name: "memory_percent", label: t("resources.memory") },
  { name: "disk_usage_percent", label: t("resources.disk") },
];

function Share({ label, percent }: { label: string; percent: number | null | undefined }) {
  return (
    <div className={css.fact}>
      <dt>{label}</dt>
      <dd>
        <Value reason={t("resources.notMeasured")}>{percent == null ? null : formatPercent(percent, false, 1)}</Value>
        {percent != null && <LimitBar name={label} used={percent / 100} />}
      </dd>
    </div>
  );
}

function Plain({ label, text }: { label: string; text: string | null }) {
  return (
    <div className={css.fact}>
      <dt>{label}</dt>
      <dd>
        <Value reason={t("resources.notMeasured")}>{text}</Value>
      </dd>
    </div>
  );
}

function History({ rollups, name, label }: { rollups: Rollups; name: Name; label: string }) {
  const points = rollups[name];
  const times = useMemo(() => points.map(({ ts }) => ts), [points]);
  const series = useMemo(
    () => [{ label, tone: "accent" as const, values: points.map(({ value }) => value ?? null), isArea: true }],
    [points, label],
  );
  return (
    <LineChart
      label={label}
      summary={t("resources.chartSummary", { name: label, last: formatPercent(points.at(-1)?.value) })}
      times={times}
      series={series}
      format={(value) => formatPercent(value, false, 1)}
      height={140}
    />
  );
}

interface Action {
  ts: number;
  action: string;
  result: string;
}
const columns: Column<Action>[] = [
  { id: "ts", header: t("actions.ts"), cell: (row) => <Time at={row.ts} />, sort: (row) => row.ts },
  { id: "action", header: t("actions.action"), cell: (row) => row.action, isTitle: true },
  { id: "result", header: t("actions.result"), cell: (row) => row.result },
];

/** Processor, memory, disk, threads and descriptors: now, lately, and what was done about them. */
export function Resources() {
  const query = useQuery(resourcesQuery);
  const history = useQuery(rollupsQuery);
  return (
    <>
      <Panel
        title={t("resources.title")}
        query={query}
        renewed={5000}
        skeleton="tile"
        note={query.data && <Badge tone={tones[query.data.status]}>{t(`resources.${query.data.status}`)}</Badge>}
      >
        {(data) => (
          <>
            <dl className={css.facts}>
              <Share label={t("resources.cpu")} percent={data.cpu_percent} />
              <Share label={t("resources.memory")} percent={data.memory_percent} />
              <Share label={t("resources.disk")} percent={data.disk_usage_percent} />
              <Plain
                label={t("resources.memoryUsed")}
                text={data.memory_used_mb == null ? null : formatBytes(data.memory_used_mb * MB)}
              />
              <Plain
                label={t("resources.threads")}
                text={data.active_threads == null ? null : formatCount(data.active_threads)}
              />
              <Plain label={t("resources.files")} text={data.open_files == null ? null : formatCount(data.open_files)} />
            </dl>
            <ul>
              {data.issues.map((issue) => (
                <li key={issue} className="tone-warn">
                  {issue}
                </li>
              ))}
            </ul>
          </>
        )}
      </Panel>
      <Panel
        title={t("resources.chart")}
        query={history}
        renewed={5000}
        skeleton="chart"
        empty={(data) => (data.cpu_percent.length < 2 ? { text: t("resources.chartNone") } : null)}
      >
        {(data) => (
          <div className={css.charts}>
            {charts.map(({ name, label }) => (
              <History key={name} rollups={data} name={name} label={label} />
            ))}
          </div>
        )}
      </Panel>
      <Panel
        title={t("actions.title")}
        query={query}
        isFlush
        empty={(data) => (data.last_actions.length === 0 ? { text: t("actions.none") } : null)}
      >
        {(data) => (
          <DataTable
            id="monitoring.actions"
            label={t("actions.title")}
            rows={data.last_actions}
            columns={columns}
            rowKey={(row) => `${row.ts}-${row.action}`}
            defaultSort="-ts"
            hasFilter={false}
          />
        )}
      </Panel>
    </>
  );
}
