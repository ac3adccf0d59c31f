import { useQuery } from "@tanstack/react-query";
import { formatDuration, humanise } from "../../domain/format";
import { monitoringText as t } from "../../texts/monitoring";
import { BarChart } from "../../ui/bar-chart";
import { type Column, DataTable } from "../../ui/data-table";
import { Panel } from "../../ui/panel";
import { Time } from "../../ui/time";
import { Value } from "../../ui/value";
import css from "./monitoring.module.css";
import { type Transition, transitionsQuery, wordsQuery } from "./queries";

const columns: Column<Transition>[] = [
  { id: "ts", header: t("moves.ts"), cell: (row) => <Time at={row.ts} millis />, sort: (row) => row.ts },
  { id: "machine", header: t("moves.machine"), cell: (row) => humanise(row.machine), sort: (row) => row.machine },
  { id: "id", header: t("moves.id"), cell: (row) => <Value>{row.id ?? null}</Value>, sort: (row) => row.id ?? null },
  {
    id: "from",
    header: t("moves.from"),
    cell: (row) => (row.from_state === null ? <Value>{null}</Value> : humanise(row.from_state)),
    sort: (row) => row.from_state,
  },
  {
    id: "to",
    header: t("moves.to"),
    cell: (row) => <strong>{humanise(row.to_state)}</strong>,
    sort: (row) => row.to_state,
    isTitle: true,
  },
  {
    id: "reason",
    header: t("moves.reason"),
    cell: (row) => <Value>{row.reason ?? null}</Value>,
    text: (row) => row.reason ?? "",
  },
];

interface Span {
  key: string;
  state: string;
  ms: number;
}

/* The engine's word from change to change, oldest first; the newest goes on until the last known change of any machine. */
function spansOf(rows: readonly Transition[]): Span[] {
  const end = Math.max(...rows.map(({ ts }) => ts));
  const words = rows.filter(({ machine }) => machine === "view").sort((a, b) => a.ts - b.ts);
  return words.map((row, index) => ({
    key: `${row.seq}`,
    state: row.to_state,
    ms: Math.max(0, (words[index + 1]?.ts ?? end) - row.ts),
  }));
}

const stateTones: Partial<Record<string, string>> = {
  error: "var(--down)",
  emergency: "var(--down)",
  paused: "var(--warn)",
  idle: "var(--line-strong)",
  stopped: "var(--line-strong)",
};

function TimeLine({ spans }: { spans: readonly Span[] }) {
  return (
    <div
      className={css.line}
      role="img"
      aria-label={t("line.summary", { states: spans.map(({ state }) => humanise(state)).join(", ") })}
    >
      {spans.map(({ key, state, ms }) => (
        <div
          key={key}
          className={css.span}
          style={{ flexGrow: Math.max(1, ms), background: stateTones[state] ?? "var(--accent-fill)" }}
          title={`${humanise(state)} · ${formatDuration(ms)}`}
        />
      ))}
    </div>
  );
}

/** Where the engine spent its time, and every move of every life cycle. */
export function Machines() {
  const words = useQuery(wordsQuery);
  const moves = useQuery(transitionsQuery);
  return (
    <>
      <Panel
        title={t("words.title")}
        query={words}
        renewed={5000}
        note={words.data && t("words.note", { n: words.data.total_transitions, illegal: words.data.illegal_transitions })}
        empty={(data) => (Object.keys(data.state_durations_ms).length === 0 ? { text: t("words.none") } : null)}
      >
        {(data) => (
          <BarChart
            form="rows"
            summary={t("words.summary")}
            items={Object.entries(data.state_durations_ms)
              .filter(([state, ms]) => ms > 0 || (data.state_counts[state] ?? 0) > 0)
              .sort(([, a], [, b]) => b - a)
              .map(([state, ms]) => ({
                key: state,
                label: humanise(state),
                value: ms,
                text: t("words.text", { duration: formatDuration(ms), n: data.state_counts[state] ?? 0 }),
              }))}
          />
        )}
      </Panel>
      <Panel
        title={t("line.title")}
        query={moves}
        renewed={5000}
        empty={(rows) => (spansOf(rows).length === 0 ? { text: t("line.none") } : null)}
      >
        {(rows) => <TimeLine spans={spansOf(rows)} />}
      </Panel>
      <Panel
        title={t("moves.title")}
        query={moves}
        renewed={5000}
        isFlush
        empty={(rows) => (rows.length === 0 ? { text: t("moves.none") } : null)}
      >
        {(rows) => (
          <DataTable
            id="monitoring.moves"
            label={t("moves.title")}
            rows={rows}
            columns={columns}
            rowKey={(row) => String(row.seq)}
            defaultSort="-ts"
            isPrimary
            maxHeight={480}
          />
        )}
      </Panel>
    </>
  );
}
