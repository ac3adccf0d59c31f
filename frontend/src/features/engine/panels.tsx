import { Progress } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { api, unwrap } from "../../api/client";
import { keys } from "../../api/keys";
import { engineQuery, positionsQuery } from "../../api/queries";
import type { Operation, Transition } from "../../api/types";
import * as engine from "../../commands/engine";
import { CommandButton } from "../../commands/host";
import { closeAll } from "../../commands/positions";
import type { Command } from "../../commands/types";
import { formatCount, formatNumber, humanise } from "../../domain/format";
import { type Life, positionLife, sessionLife, sessionNext } from "../../domain/life";
import { engineText as t } from "../../texts/engine";
import { Badge } from "../../ui/badge";
import { type Column, DataTable } from "../../ui/data-table";
import { Panel } from "../../ui/panel";
import { Duration, Time, TimeAgo } from "../../ui/time";
import { Count, Plain, RMultiple, Value } from "../../ui/value";
import css from "./engine.module.css";

const GROUPS: readonly { name: string; commands: readonly Command[] }[] = [
  { name: t("controls.run"), commands: [engine.pause, engine.resume, engine.scanNow, engine.reload] },
  { name: t("controls.end"), commands: [engine.timeStop, engine.stopKeep, engine.stopClose] },
  { name: t("controls.mend"), commands: [engine.retry, engine.reset] },
  { name: t("controls.emergency"), commands: [engine.emergencyStop, closeAll, engine.panicExit, engine.killSwitch] },
];

export function Controls() {
  return (
    <Panel title={t("controls.title")} className="c-5">
      <div className={css.controls}>
        {GROUPS.map((group) => (
          <div key={group.name} className={css.group} role="group" aria-label={group.name}>
            <span className={css.groupName}>{group.name}</span>
            <div className={css.buttons}>
              {group.commands.map((command) => (
                <CommandButton key={command.id} command={command} args={undefined} />
              ))}
            </div>
          </div>
        ))}
      </div>
    </Panel>
  );
}

const METRICS_MS = 5000;

function Tile({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Micros({ value }: { value: number | null | undefined }) {
  return <Value reason={t("tiles.stepNone")}>{value == null ? null : `${formatNumber(value, 1)} µs`}</Value>;
}

export function Tiles() {
  const { data: status } = useQuery(engineQuery);
  const query = useQuery({
    queryKey: ["engine-metrics"],
    queryFn: () => unwrap(api().GET("/api/engine/metrics")),
    refetchInterval: METRICS_MS,
  });
  return (
    <Panel title={t("tiles.title")} query={query} renewed={METRICS_MS} className="c-12">
      {(metrics) => (
        <dl className={css.tiles}>
          <Tile name={t("tiles.slots")}>
            {status ? t("tiles.slotsOf", { used: status.slots_used, total: status.slots_total }) : <Value>{null}</Value>}
          </Tile>
          <Tile name={t("tiles.positions")}>
            <Count value={status?.open_positions} />
          </Tile>
          <Tile name={t("tiles.orders")}>
            <Count value={status?.working_orders} />
          </Tile>
          <Tile name={t("tiles.candidates")}>
            <Count value={status?.candidates} />
          </Tile>
          <Tile name={t("tiles.dailyR")}>
            <RMultiple value={status?.daily_r} />
          </Tile>
          <Tile name={t("tiles.losses")}>
            <Plain value={status?.consecutive_losses} digits={0} />
          </Tile>
          <Tile name={t("tiles.latency")}>
            <Duration ms={status?.latency_ms} reason={t("tiles.latencyNone")} />
          </Tile>
          <Tile name={t("tiles.events")}>
            <Count value={metrics.events_total} />
          </Tile>
          <Tile name={t("tiles.scans")}>
            <Count value={metrics.cycle_count} />
          </Tile>
          <Tile name={t("tiles.signals")}>
            <Count value={metrics.total_signals} />
          </Tile>
          <Tile name={t("tiles.trades")}>
            <Count value={metrics.total_trades} />
          </Tile>
          <Tile name={t("tiles.stepMean")}>
            <Micros value={metrics.avg_step_us} />
          </Tile>
          <Tile name={t("tiles.stepP99")}>
            <Micros value={metrics.p99_step_us} />
          </Tile>
          <Tile name={t("tiles.uptime")}>
            <Duration ms={metrics.uptime_s * 1000} />
          </Tile>
        </dl>
      )}
    </Panel>
  );
}

interface LifeMapProps {
  life: Life;
  /** Lit states with what to say beside them. */
  lit: ReadonlyMap<string, string>;
  next: readonly string[];
}

const HALTED = new Set(["error", "emergency", "flattening"]);

function LifeState({ state, lit, next }: { state: string; lit: ReadonlyMap<string, string>; next: readonly string[] }) {
  const note = lit.get(state);
  const isNext = note === undefined && next.includes(state);
  const look = note !== undefined ? `${css.here} ${HALTED.has(state) ? css.halted : ""}` : isNext ? css.next : "";
  return (
    <span className={`${css.state} ${look}`} aria-current={note !== undefined ? "step" : undefined}>
      {humanise(state)}
      {note !== undefined && note !== "" && <span>· {note}</span>}
      {isNext && <span className="visually-hidden">, {t("life.next")}</span>}
    </span>
  );
}

function LifeMap({ life, lit, next }: LifeMapProps) {
  return (
    <>
      <ol className={css.life}>
        {life.path.map((state, index) => (
          <li key={state}>
            {index > 0 && (
              <span className={css.arrow} aria-hidden>
                →{" "}
              </span>
            )}
            <LifeState state={state} lit={lit} next={next} />
          </li>
        ))}
      </ol>
      {life.aside.length > 0 && (
        <ul className={`${css.life} ${css.aside}`}>
          {life.aside.map((state) => (
            <li key={state}>
              <LifeState state={state} lit={lit} next={next} />
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

export function LifeCycles() {
  const status = useQuery(engineQuery);
  const { data: positions } = useQuery(positionsQuery);
  const counts = new Map<string, number>();
  for (const position of positions ?? []) counts.set(position.state, (counts.get(position.state) ?? 0) + 1);
  return (
    <>
      <Panel title={t("life.session")} query={status} renewed="feed" className="c-6">
        {(engineStatus) => (
          <>
            <LifeMap
              life={sessionLife}
              lit={new Map([[engineStatus.session_state, t("life.now")]])}
              next={sessionNext[engineStatus.session_state] ?? []}
            />
            <p className={css.legend}>{t("life.legend")}</p>
          </>
        )}
      </Panel>
      <Panel title={t("life.position")} className="c-6">
        <LifeMap life={positionLife} lit={new Map([...counts].map(([state, n]) => [state, t("life.count", { n })]))} next={[]} />
      </Panel>
    </>
  );
}

const moveColumns: readonly Column<Transition>[] = [
  { id: "ts", header: t("moves.time"), cell: (row) => <Time at={row.ts} />, sort: (row) => row.seq, isTitle: true },
  { id: "machine", header: t("moves.machine"), cell: (row) => <Badge>{row.machine}</Badge>, sort: (row) => row.machine },
  { id: "id", header: t("moves.id"), cell: (row) => <span className="mono small">{row.id}</span>, sort: (row) => row.id },
  { id: "from", header: t("moves.from"), cell: (row) => humanise(row.from), sort: (row) => row.from },
  { id: "to", header: t("moves.to"), cell: (row) => humanise(row.to), sort: (row) => row.to },
  {
    id: "reason",
    header: t("moves.reason"),
    cell: (row) => <span className="text-2">{row.reason}</span>,
    text: (row) => row.reason ?? "",
  },
];

export function Transitions() {
  const query = useQuery({
    queryKey: keys.transitions,
    queryFn: async (): Promise<Transition[]> =>
      (await unwrap(api().GET("/api/monitoring/state-machine/transitions", { params: { query: { limit: 100 } } }))).items.map(
        // The list names the ends otherwise than the feed does.
        ({ from_state, to_state, id, trigger, ...rest }) => ({
          ...rest,
          from: from_state ?? "",
          to: to_state,
          id: id ?? "",
          trigger: trigger ?? "",
        }),
      ),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <Panel
      title={t("moves.title")}
      note={query.data ? formatCount(query.data.length) : undefined}
      query={query}
      renewed="feed"
      isFlush
      className="c-8"
      empty={(rows) => (rows.length > 0 ? null : { text: t("moves.none") })}
    >
      {(rows) => (
        <DataTable
          id="engine.transitions"
          label={t("moves.title")}
          rows={rows}
          columns={moveColumns}
          rowKey={(row) => String(row.seq)}
          hasFilter
          isPrimary
          maxHeight={360}
        />
      )}
    </Panel>
  );
}

export function SkippedFilters() {
  const query = useQuery(engineQuery);
  return (
    <Panel
      title={t("skipped.title")}
      query={query}
      className="c-4"
      empty={(status) => (status.skipped_filters.length > 0 ? null : { text: t("skipped.none") })}
    >
      {(status) => (
        <>
          <p className="text-2 small">{t("skipped.text")}</p>
          <div className={css.chips}>
            {status.skipped_filters.map((name) => (
              <Badge key={name}>{humanise(name)}</Badge>
            ))}
          </div>
        </>
      )}
    </Panel>
  );
}

/** Commands as they go on; written by the feed. */
export function Operations() {
  const { data } = useQuery<Operation[]>({ queryKey: keys.operations, queryFn: () => [], enabled: false });
  const rows = data ?? [];
  return (
    <Panel title={t("operations.title")} className="c-12">
      {rows.length === 0 ? (
        <p className="text-2">{t("operations.none")}</p>
      ) : (
        <ul>
          {rows.slice(0, 5).map((row) => (
            <li key={row.operation_id} className={css.operation}>
              <div className="row">
                <strong>{humanise(row.command)}</strong>
                <Badge tone={row.status === "done" ? "up" : row.status === "failed" ? "down" : "accent"}>
                  {humanise(row.status)}
                </Badge>
                <span className="small text-3">
                  <TimeAgo at={row.started_at} />
                </span>
                <span className="text-2">{row.message}</span>
              </div>
              {row.status === "in_progress" && (
                <Progress value={row.progress * 100} size="sm" aria-label={humanise(row.command)} />
              )}
              {row.steps.length > 0 && (
                <span className="small text-3">
                  {row.steps.map((step) => `${humanise(step.name)}: ${humanise(step.status)}`).join(" · ")}
                </span>
              )}
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
