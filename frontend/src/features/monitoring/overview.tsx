import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { formatDuration, humanise, shortSymbol, type Tone } from "../../domain/format";
import { monitoringText as t } from "../../texts/monitoring";
import { Badge } from "../../ui/badge";
import { type Column, DataTable } from "../../ui/data-table";
import { Panel } from "../../ui/panel";
import { Duration, Time, TimeAgo } from "../../ui/time";
import { Count, Percent, Usd, Value } from "../../ui/value";
import css from "./monitoring.module.css";
import { type Checkpoint, checkpointsQuery, currentSessionQuery, flowQuery, type Session } from "./queries";

const SECOND = 1000;
const tones: Record<Checkpoint["status"], Tone> = {
  pending: "neutral",
  in_progress: "accent",
  completed: "up",
  failed: "down",
  skipped: "warn",
};

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className={css.fact}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function SessionFacts({ session }: { session: Session }) {
  return (
    <dl className={css.facts}>
      <Fact name={t("session.id")}>{session.session_id}</Fact>
      <Fact name={t("session.preset")}>
        <Value>{session.preset ?? null}</Value>
      </Fact>
      <Fact name={t("session.state")}>
        <Badge tone="accent">{humanise(session.session_state)}</Badge>
      </Fact>
      <Fact name={t("session.duration")}>
        <Duration ms={session.duration_s * SECOND} />
      </Fact>
      <Fact name={t("session.scanned")}>
        <Count value={session.symbols_scanned} />
      </Fact>
      <Fact name={t("session.candidates")}>
        <Count value={session.candidates_found} />
      </Fact>
      <Fact name={t("session.signals")}>
        <Count value={session.signals_generated} />
      </Fact>
      <Fact name={t("session.positions")}>
        <Count value={session.positions_opened} />
      </Fact>
      <Fact name={t("session.orders")}>
        <Count value={session.orders_executed} />
      </Fact>
      <Fact name={t("session.trades")}>
        <Count value={session.trades} />
      </Fact>
      <Fact name={t("session.pnl")}>
        <Usd value={session.pnl_usd} signed />
      </Fact>
      <Fact name={t("session.success")}>
        <Percent value={session.success_rate} of="fraction" digits={0} />
      </Fact>
    </dl>
  );
}

function Flow({ id }: { id: string }) {
  const query = useQuery(flowQuery(id));
  return (
    <Panel
      title={t("flow.title")}
      query={query}
      renewed={5000}
      note={query.data && t("flow.note", { activity: query.data.current_activity })}
    >
      {(data) => (
        <ol className={css.steps}>
          {data.steps.map((step, index) => (
            <li
              key={step.key}
              className={`${css.step} ${index + 1 === data.current_step ? css.lit : ""}`}
              aria-current={index + 1 === data.current_step ? "step" : undefined}
            >
              <strong>{step.name}</strong>
              <Badge tone={tones[step.status]}>{humanise(step.status)}</Badge>
              <span>{t("flow.count", { n: step.count })}</span>
              <span className="small text-3">
                {step.avg_duration_ms == null
                  ? t("flow.noTime")
                  : t("flow.average", { ms: formatDuration(step.avg_duration_ms) })}
              </span>
              <span className="small text-3">
                <TimeAgo at={step.last_at} />
              </span>
            </li>
          ))}
        </ol>
      )}
    </Panel>
  );
}

const columns: Column<Checkpoint>[] = [
  { id: "ts", header: t("checkpoints.ts"), cell: (row) => <Time at={row.ts} />, sort: (row) => row.ts },
  { id: "type", header: t("checkpoints.type"), cell: (row) => humanise(row.type), sort: (row) => row.type, isTitle: true },
  {
    id: "status",
    header: t("checkpoints.status"),
    cell: (row) => <Badge tone={tones[row.status]}>{humanise(row.status)}</Badge>,
    sort: (row) => row.status,
  },
  {
    id: "symbol",
    header: t("checkpoints.symbol"),
    cell: (row) => <Value reason={t("checkpoints.noSymbol")}>{row.symbol == null ? null : shortSymbol(row.symbol)}</Value>,
    sort: (row) => row.symbol ?? null,
  },
  { id: "message", header: t("checkpoints.message"), cell: (row) => row.message, text: (row) => row.message },
  {
    id: "duration",
    header: t("checkpoints.duration"),
    align: "end",
    cell: (row) => <Duration ms={row.duration_ms} reason={t("checkpoints.noDuration")} />,
    sort: (row) => row.duration_ms ?? null,
  },
];

function Checkpoints({ id }: { id: string }) {
  const query = useQuery(checkpointsQuery(id));
  return (
    <Panel
      title={t("checkpoints.title")}
      query={query}
      renewed={5000}
      isFlush
      empty={(rows) => (rows.length === 0 ? { text: t("checkpoints.none") } : null)}
    >
      {(rows) => (
        <DataTable
          id="monitoring.checkpoints"
          label={t("checkpoints.title")}
          rows={rows}
          columns={columns}
          rowKey={(row) => row.checkpoint_id}
          defaultSort="-ts"
          isPrimary
          maxHeight={420}
        />
      )}
    </Panel>
  );
}

/** The active session, the six steps of its cycle, and what it reached when. */
export function Overview() {
  const query = useQuery(currentSessionQuery);
  const action = (
    <Button component={Link} to="/engine" variant="default">
      {t("session.title")}
    </Button>
  );
  return (
    <>
      <Panel
        title={t("session.title")}
        query={query}
        renewed={5000}
        skeleton="tile"
        empty={(session) => (session === null ? { text: t("session.none"), action } : null)}
      >
        {(session) => session && <SessionFacts session={session} />}
      </Panel>
      {query.data && <Flow id={query.data.session_id} />}
      {query.data && <Checkpoints id={query.data.session_id} />}
    </>
  );
}
