import { Button, Menu } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Download, FileText, RotateCw } from "lucide-react";
import type { ReactNode } from "react";
import { apiUrl } from "../../api/client";
import { keys } from "../../api/keys";
import { useFeedTopics } from "../../api/live";
import { runsQuery } from "../../api/queries";
import type { Run } from "../../api/types";
import { useRefreshOn } from "../../api/use-refresh";
import { CommandButton } from "../../commands/host";
import { cancelRun, deleteRun } from "../../commands/runs";
import {
  formatCount,
  formatDateTime,
  formatDay,
  formatDuration,
  formatFraction,
  humanise,
  shortSymbol,
} from "../../domain/format";
import { paramText } from "../../domain/runs";
import { isSearchKind } from "../../domain/searches";
import { backtestsText as t } from "../../texts/backtests";
import { Badge } from "../../ui/badge";
import { Fact } from "../../ui/fact";
import { Panel, type QueryLike } from "../../ui/panel";
import { Count, Value } from "../../ui/value";
import css from "./backtests.module.css";
import { CheckLabel, isGoingOn, ProgressBar, RunStatus } from "./parts";
import { progressKey, progressQuery, resultQuery, type RunResult, runQuery } from "./queries";
import { accountText, BoundsPanel, ChecksPanel, CostPanel, DecisionsPanel, FunnelPanel, LookaheadPanel } from "./run-parts";

const MESSAGES = ["BACKTEST_PROGRESS", "BACKTEST_DONE"];

/** How far a run is: the feed tells that it moved, the reply says how fast. */
function ProgressPanel({ run }: { run: Run }) {
  const query = useQuery(progressQuery(run.run_id));
  useRefreshOn(MESSAGES, progressKey(run.run_id), (data) => data["run_id"] === run.run_id);
  return (
    <Panel
      title={t("progress.title")}
      query={query}
      renewed="feed"
      actions={<CommandButton command={cancelRun} args={{ run }} />}
    >
      {(progress) => (
        <div className="stack">
          <ProgressBar run={run} />
          {run.status === "queued" ? (
            <p className="text-2">{t("progress.queued")}</p>
          ) : (
            <dl className={css.facts}>
              <Fact name={t("progress.done")}>{formatFraction(run.progress, false, 1)}</Fact>
              <Fact name={t("progress.left")}>
                <Value reason={t("progress.unknown")}>{run.eta_s == null ? null : formatDuration(run.eta_s * 1000)}</Value>
              </Fact>
              <Fact name={t("progress.speed")}>
                <Value reason={t("progress.unknown")}>
                  {progress.candles_per_s == null ? null : t("progress.speedValue", { n: formatCount(progress.candles_per_s) })}
                </Value>
              </Fact>
              <Fact name={t("progress.at")}>
                <Value reason={t("progress.unknown")}>
                  {progress.current_at == null ? null : formatDateTime(progress.current_at, { seconds: false })}
                </Value>
              </Fact>
              <Fact name={t("progress.trades")}>
                <Count value={progress.trades} />
              </Fact>
            </dl>
          )}
        </div>
      )}
    </Panel>
  );
}

function stampText(stamp: string): string {
  switch (stamp) {
    case "skipped_filters":
    case "turnover_estimated":
    case "scan_interval_rounded":
    case "funding_unknown":
      return t(`stamp.${stamp}`);
    default:
      return "";
  }
}

/** Before any figure: what limits its worth. */
function StampsPanel({ query }: { query: QueryLike<RunResult> }) {
  return (
    <Panel title={t("stamps.title")} query={query} actions={query.data && <CheckLabel label={query.data.label} />}>
      {(result) => {
        const stamps = result.stamps;
        const warnings = result.warnings;
        const skipped = result.skipped_filters;
        if (stamps.length === 0 && warnings.length === 0) return <p className="text-2">{t("stamps.none")}</p>;
        return (
          <ul className={css.stamps}>
            {stamps.map((stamp) => (
              <li key={stamp}>
                <Badge tone="warn">{humanise(stamp)}</Badge>
                <span>
                  {stamp === "skipped_filters" && skipped.length > 0
                    ? t("stamps.skipped", { filters: skipped.map(humanise).join(", ") })
                    : stampText(stamp)}
                </span>
              </li>
            ))}
            {warnings.map((warning) => (
              <li key={warning}>{warning}</li>
            ))}
          </ul>
        );
      }}
    </Panel>
  );
}

function FactsPanel({ run, query }: { run: Run; query: QueryLike<RunResult> }) {
  const result = query.data;
  const symbols = run.params["symbols"];
  const rest = Object.entries(run.params).filter(([key]) => key !== "symbols");
  return (
    <Panel title={t("run.facts")} note={run.digest == null ? undefined : run.digest.slice(0, 16)}>
      <dl className={css.facts}>
        <Fact name={t("column.preset")}>
          <Value reason={t("value.noPreset")}>
            {run.preset == null ? null : (
              <Link to="/presets/$name" params={{ name: run.preset }}>
                {run.preset}
              </Link>
            )}
          </Value>
        </Fact>
        <Fact name={t("column.dataset")}>{run.dataset_id}</Fact>
        <Fact name={t("run.symbols")}>
          {Array.isArray(symbols) ? symbols.map((symbol) => shortSymbol(String(symbol))).join(", ") : t("run.allSymbols")}
        </Fact>
        {result && (
          <>
            <Fact name={t("run.period")}>
              {formatDay(result.period.from)} – {formatDay(result.period.to)}
            </Fact>
            <Fact name={t("run.account")}>{accountText(result)}</Fact>
            <Fact name={t("run.candles")}>{formatCount(result.period.candles)}</Fact>
            <Fact name={t("run.seed")}>{result.seed}</Fact>
            <Fact name={t("run.duration")}>{formatDuration(result.duration_ms)}</Fact>
            <Fact name={t("run.version")}>{result.version}</Fact>
          </>
        )}
        {rest.map(([key, value]) => (
          <Fact key={key} name={humanise(key)}>
            {paramText(key, value)}
          </Fact>
        ))}
      </dl>
    </Panel>
  );
}

function Tools({ run }: { run: Run }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const path = `/api/backtests/${encodeURIComponent(run.run_id)}`;
  const csv = (name: string): string => apiUrl(`${path}/${name}`, { format: "csv", limit: 1000 });
  const isDone = run.status === "done" && run.kind === "backtest";
  const isSearch = run.status === "done" && isSearchKind(run.kind);
  return (
    <div className="row">
      <RunStatus run={run} />
      {run.kind !== "backtest" && <Badge>{t(`kind.${run.kind}`)}</Badge>}
      {(isDone || isSearch) && (
        <Button
          component="a"
          href={apiUrl(`${path}/report`)}
          target="_blank"
          rel="noreferrer"
          variant="default"
          leftSection={<FileText size={14} aria-hidden />}
        >
          {t("run.report")}
        </Button>
      )}
      {isSearch && (
        <Button
          component="a"
          href={apiUrl(`${path}/search`)}
          download={`${run.run_id}.json`}
          variant="default"
          leftSection={<Download size={14} aria-hidden />}
        >
          {t("run.resultJson")}
        </Button>
      )}
      {isDone && (
        <Menu position="bottom-start">
          <Menu.Target>
            <Button variant="default" leftSection={<Download size={14} aria-hidden />}>
              {t("run.downloads")}
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item component="a" href={csv("trades")} download={`${run.run_id}-trades.csv`}>
              {t("run.tradesCsv")}
            </Menu.Item>
            <Menu.Item component="a" href={csv("equity")} download={`${run.run_id}-equity.csv`}>
              {t("run.equityCsv")}
            </Menu.Item>
            <Menu.Item component="a" href={csv("decisions")} download={`${run.run_id}-decisions.csv`}>
              {t("run.decisionsCsv")}
            </Menu.Item>
            <Menu.Item component="a" href={apiUrl(`${path}/result`)} download={`${run.run_id}.json`}>
              {t("run.resultJson")}
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      )}
      {run.preset != null && (
        <Button
          variant="default"
          leftSection={<RotateCw size={14} aria-hidden />}
          onClick={() =>
            void navigate({ to: "/backtests/new", search: { preset: run.preset, dataset: run.dataset_id } as never })
          }
        >
          {t("run.again")}
        </Button>
      )}
      {!isGoingOn(run) && (
        <CommandButton
          command={deleteRun}
          args={{
            run,
            onDone: () => {
              void client.invalidateQueries({ queryKey: keys.runs });
              void navigate({ to: "/backtests" });
            },
          }}
        />
      )}
    </div>
  );
}

/** A run: its progress while it goes on, then what limits the result, the result itself (handed in) and how far it can be trusted. */
export function RunView({ id, performance }: { id: string; performance: (run: Run) => ReactNode }) {
  useFeedTopics(["backtests"]);
  const { data: runs } = useQuery(runsQuery);
  const live = runs?.find((run) => run.run_id === id);
  const one = useQuery({ ...runQuery(id), enabled: live === undefined });
  const run = live ?? one.data;
  const result = useQuery({ ...resultQuery(id), enabled: run?.status === "done" && run.kind === "backtest" });
  if (!run)
    return (
      <Panel title={id} query={one}>
        {null}
      </Panel>
    );
  const isResult = run.status === "done" && run.kind === "backtest";
  return (
    <div className="stack">
      <Tools run={run} />
      {isGoingOn(run) && <ProgressPanel run={run} />}
      {run.status === "failed" && (
        <Panel title={t("failed.title")}>
          <p className="tone-down">{run.error?.message}</p>
          <p className="small text-3">{run.error?.code}</p>
        </Panel>
      )}
      {run.status === "cancelled" && <p className="text-2">{t("failed.cancelled")}</p>}
      {isResult && <StampsPanel query={result} />}
      <FactsPanel run={run} query={result} />
      <LookaheadPanel run={run} />
      {run.status === "done" && isSearchKind(run.kind) && <p className="text-2">{t("run.searchHint")}</p>}
      {isResult && (
        <>
          {performance(run)}
          <div className="grid">
            <div className="c-6 stack">
              <ChecksPanel query={result} />
              <FunnelPanel query={result} />
            </div>
            <div className="c-6 stack">
              <CostPanel query={result} />
              <BoundsPanel query={result} />
            </div>
            <div className="c-12">
              <DecisionsPanel run={run} />
            </div>
          </div>
        </>
      )}
    </div>
  );
}
