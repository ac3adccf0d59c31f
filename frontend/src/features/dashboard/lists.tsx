import { Button } from "@mantine/core";
import { queryOptions, useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { api, unwrap } from "../../api/client";
import { useFeedTopics } from "../../api/live";
import { alertsQuery, candidatesQuery, decisionsFeedQuery, positionsQuery } from "../../api/queries";
import type { Candidate, Decision, Position } from "../../api/types";
import { byRank, isBeyondFilters, nearestLevel, sentenceOf } from "../../domain/candidates";
import { formatCount, humanise, shortSymbol } from "../../domain/format";
import { dashboardText as t } from "../../texts/dashboard";
import { Badge } from "../../ui/badge";
import { sideColumn, symbolColumn } from "../../ui/columns";
import { type Column, DataTable } from "../../ui/data-table";
import { Panel } from "../../ui/panel";
import { Time, TimeAgo } from "../../ui/time";
import { Bps, Plain, Price, RMultiple, Usd, Value } from "../../ui/value";
import css from "./lists.module.css";

const positionColumns: readonly Column<Position>[] = [
  symbolColumn(t("positions.symbol")),
  sideColumn(t("positions.side")),
  { id: "state", header: t("positions.state"), cell: (row) => humanise(row.state), sort: (row) => row.state },
  { id: "entry", header: t("positions.entry"), cell: (row) => <Price symbol={row.symbol} value={row.entry} />, align: "end" },
  { id: "mark", header: t("positions.mark"), cell: (row) => <Price symbol={row.symbol} value={row.mark} />, align: "end" },
  { id: "stop", header: t("positions.stop"), cell: (row) => <Price symbol={row.symbol} value={row.stop} />, align: "end" },
  {
    id: "r",
    header: t("positions.r"),
    cell: (row) => <RMultiple value={row.pnl_r} arrow />,
    sort: (row) => row.pnl_r,
    align: "end",
  },
  {
    id: "pnl",
    header: t("positions.pnl"),
    cell: (row) => <Usd value={row.pnl_usd} signed />,
    sort: (row) => row.pnl_usd,
    align: "end",
  },
  {
    id: "protected",
    header: t("positions.protected"),
    cell: (row) =>
      row.protected ? (
        t("positions.yes")
      ) : (
        <Badge tone="down">{t("positions.no", { seconds: Math.round(row.unprotected_ms / 1000) })}</Badge>
      ),
    sort: (row) => row.protected,
  },
  {
    id: "age",
    header: t("positions.age"),
    cell: (row) => <TimeAgo at={row.opened_at} />,
    sort: (row) => row.opened_at,
    align: "end",
  },
];

interface ChoiceProps {
  /** The symbol of the chart. */
  chosen: string;
  onChoose: (symbol: string) => void;
}

export function PositionsPanel({ chosen, onChoose }: ChoiceProps) {
  const query = useQuery(positionsQuery);
  return (
    <Panel
      title={t("positions.title")}
      note={query.data ? formatCount(query.data.length) : undefined}
      query={query}
      renewed="feed"
      isFlush
      className="c-8"
      empty={(rows) =>
        rows.length > 0
          ? null
          : { text: t("positions.none"), action: <LinkButton to="/scanner" label={t("positions.toScanner")} /> }
      }
    >
      {(rows) => (
        <DataTable
          id="dashboard.positions"
          label={t("positions.title")}
          rows={rows}
          columns={positionColumns}
          rowKey={(row) => row.position_id}
          rowLabel={(row) => shortSymbol(row.symbol)}
          activeKey={rows.find(({ symbol }) => symbol === chosen)?.position_id ?? null}
          onOpen={(row) => onChoose(row.symbol)}
          defaultSort="-r"
          isPrimary
        />
      )}
    </Panel>
  );
}

function LinkButton({ to, label }: { to: "/scanner" | "/decisions" | "/alerts"; label: string }) {
  const navigate = useNavigate();
  return (
    <Button variant="default" onClick={() => void navigate({ to })}>
      {label}
    </Button>
  );
}

const candidateColumns: readonly Column<Candidate>[] = [
  symbolColumn(t("candidates.symbol")),
  {
    id: "state",
    header: t("candidates.state"),
    cell: (row) => <Badge tone={row.state === "signalled" ? "accent" : "neutral"}>{humanise(row.state)}</Badge>,
    sort: (row) => row.state,
  },
  {
    id: "score",
    header: t("candidates.score"),
    cell: (row) => <Plain value={row.score} />,
    sort: (row) => row.score,
    align: "end",
  },
  {
    id: "level",
    header: t("candidates.level"),
    cell: (row) => <Price symbol={row.symbol} value={nearestLevel(row.levels)?.price} reason={t("candidates.noLevel")} />,
    align: "end",
  },
  {
    id: "distance",
    header: t("candidates.distance"),
    cell: (row) => <Bps value={nearestLevel(row.levels)?.distance_bps} reason={t("candidates.noLevel")} />,
    sort: (row) => {
      const distance = nearestLevel(row.levels)?.distance_bps;
      return distance == null ? null : Math.abs(distance);
    },
    align: "end",
  },
];

export function CandidatesPanel({ chosen, onChoose }: ChoiceProps) {
  useFeedTopics(["scan"]);
  const query = useQuery(candidatesQuery);
  return (
    <Panel
      title={t("candidates.title")}
      note={query.data ? formatCount(query.data.length) : undefined}
      query={query}
      renewed="feed"
      isFlush
      className="c-4"
      actions={<Link to="/scanner">{t("candidates.open")}</Link>}
      empty={(rows) =>
        rows.length > 0 ? null : { text: t("candidates.none"), action: <LinkButton to="/scanner" label={t("candidates.open")} /> }
      }
    >
      {(rows) => (
        <DataTable
          id="dashboard.candidates"
          label={t("candidates.title")}
          rows={byRank(rows)}
          columns={candidateColumns}
          rowKey={(row) => row.candidate_id}
          activeKey={rows.find(({ symbol }) => symbol === chosen)?.candidate_id ?? null}
          onOpen={(row) => onChoose(row.symbol)}
          maxHeight={340}
        />
      )}
    </Panel>
  );
}

const SHOWN = 20;

const LATE_STAGES = ["signal", "validation", "quality", "risk", "execution", "position"] as const;

/* Nine of ten decisions are refusals of filters: the others are asked for by their stages. */
const lateQuery = queryOptions({
  queryKey: ["decisions", "late"],
  queryFn: async () => {
    const lists = await Promise.all(
      LATE_STAGES.map((stage) => unwrap(api().GET("/api/decisions", { params: { query: { stage, limit: SHOWN } } }))),
    );
    return lists.flatMap((list) => list.items as Decision[]);
  },
  staleTime: Number.POSITIVE_INFINITY,
});

/** The newest late decisions: those that were asked for, and those that came since. */
function newest(rows: readonly Decision[], live: readonly Decision[]): Decision[] {
  const all = new Map([...rows, ...live.filter(isBeyondFilters)].map((row) => [row.decision_id, row]));
  return [...all.values()].sort((a, b) => b.ts - a.ts || b.decision_id.localeCompare(a.decision_id)).slice(0, SHOWN);
}

function SignalLine({ row }: { row: Decision }) {
  return (
    <li className={css.entry}>
      <span className={css.clock}>
        <Time at={row.ts} clock />
      </span>
      <Badge tone={row.verdict === "passed" ? "up" : row.verdict === "refused" ? "warn" : "neutral"}>{row.stage}</Badge>
      <strong className="nowrap">{shortSymbol(row.symbol)}</strong>
      <span className={css.sentence}>{sentenceOf(row)}</span>
    </li>
  );
}

export function SignalFeed() {
  useFeedTopics(["decisions"]);
  const query = useQuery(lateQuery);
  const { data: live } = useQuery({ ...decisionsFeedQuery, enabled: false });
  const rows = newest(query.data ?? [], live ?? []);
  return (
    <Panel
      title={t("signals.title")}
      query={query}
      renewed="feed"
      isFlush
      className="c-5"
      actions={<Link to="/decisions">{t("signals.open")}</Link>}
      empty={() =>
        rows.length > 0 ? null : { text: t("signals.none"), action: <LinkButton to="/decisions" label={t("signals.open")} /> }
      }
    >
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a part that scrolls must be reachable by keyboard */}
      <ul className={css.feed} tabIndex={0} aria-label={t("signals.title")}>
        {rows.map((row) => (
          <SignalLine key={row.decision_id} row={row} />
        ))}
      </ul>
    </Panel>
  );
}

export function AlertsPanel() {
  const query = useQuery(alertsQuery);
  return (
    <Panel
      title={t("alerts.title")}
      query={query}
      renewed="feed"
      isFlush
      className="c-4"
      actions={<Link to="/alerts">{t("alerts.open")}</Link>}
      empty={(rows) => (rows.some((row) => row.state === "firing") ? null : { text: t("alerts.none") })}
    >
      {(rows) => (
        <ul className={css.feed}>
          {rows
            .filter((row) => row.state === "firing")
            .slice(0, SHOWN)
            .map((row) => (
              <li key={row.alert_id} className={css.alert}>
                <div className="spread">
                  <Badge tone={row.severity === "critical" ? "down" : row.severity === "warning" ? "warn" : "info"}>
                    {humanise(row.name)}
                  </Badge>
                  <span className="small text-3">
                    <TimeAgo at={row.since_at} />
                  </span>
                </div>
                <p className="small">
                  <Value>{row.message}</Value>
                </p>
              </li>
            ))}
        </ul>
      )}
    </Panel>
  );
}
