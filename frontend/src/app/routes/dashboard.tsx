import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import { useFeedTopics } from "../../api/live";
import { candidatesQuery, engineQuery, positionsQuery, scanQuery } from "../../api/queries";
import { byRank } from "../../domain/candidates";
import { shortSymbol } from "../../domain/format";
import { EngineCard, RiskCards } from "../../features/dashboard/cards";
import { EquityCurve, FirstSteps, Funnel } from "../../features/dashboard/figures";
import { AlertsPanel, CandidatesPanel, PositionsPanel, SignalFeed } from "../../features/dashboard/lists";
import { useSearchState } from "../../hooks/use-search-state";
import { dashboardText as t } from "../../texts/dashboard";
import { frameText } from "../../texts/frame";
import { Page } from "../../ui/page";
import { EmptyNote, Panel, Skeleton } from "../../ui/panel";

// The chart's library is half as large as the rest of the page: it comes after it.
const SymbolChart = lazy(async () => ({ default: (await import("../../features/chart/symbol-chart")).SymbolChart }));

const TIMEFRAMES = ["1m", "5m", "15m", "1h"] as const;
type Timeframe = (typeof TIMEFRAMES)[number];

export function DashboardPage() {
  useFeedTopics(["risk", "equity"]);
  const [search, setSearch] = useSearchState({ symbol: "", range: "1d", timeframe: "5m" });
  const { data: engine } = useQuery(engineQuery);
  const { data: positions } = useQuery(positionsQuery);
  const { data: candidates } = useQuery(candidatesQuery);
  const { data: scan } = useQuery(scanQuery);
  const chosenPosition = positions?.find((position) => position.symbol === search.symbol);
  const chosenCandidate = candidates?.find((candidate) => candidate.symbol === search.symbol);
  const symbol =
    chosenPosition?.symbol ??
    chosenCandidate?.symbol ??
    positions?.[0]?.symbol ??
    byRank(candidates ?? [])[0]?.symbol ??
    byRank(scan?.items ?? [])[0]?.symbol ??
    null;
  const timeframe = TIMEFRAMES.find((each) => each === search.timeframe) ?? "5m";
  const isFresh = engine !== undefined && engine.session_id === null;
  return (
    <Page title={frameText("page.dashboard")}>
      <div className="grid">
        {isFresh && <FirstSteps isDemo={engine.demo} />}
        <EngineCard />
        <RiskCards />
        <ChartPanel symbol={symbol} timeframe={timeframe} onTimeframe={(next) => setSearch({ timeframe: next })} />
        <CandidatesPanel
          activeKey={chosenCandidate?.candidate_id ?? null}
          onChoose={(candidate) => setSearch({ symbol: candidate.symbol })}
        />
        <PositionsPanel
          activeKey={chosenPosition?.position_id ?? null}
          onChoose={(position) => setSearch({ symbol: position.symbol })}
        />
        <AlertsPanel />
        <SignalFeed />
        <EquityCurve range={search.range} onRange={(range) => setSearch({ range })} />
        <Funnel />
      </div>
    </Page>
  );
}

function ChartPanel({
  symbol,
  timeframe,
  onTimeframe,
}: {
  symbol: string | null;
  timeframe: Timeframe;
  onTimeframe: (timeframe: Timeframe) => void;
}) {
  if (symbol === null) {
    return (
      <Panel title={t("chart.title")} className="c-8" minHeight={340}>
        <EmptyNote text={t("chart.none")} />
      </Panel>
    );
  }
  return (
    <div className="c-8">
      <Suspense
        fallback={
          <Panel title={shortSymbol(symbol)} minHeight={340}>
            <Skeleton shape="chart" name={shortSymbol(symbol)} />
          </Panel>
        }
      >
        <SymbolChart symbol={symbol} timeframe={timeframe} onTimeframe={onTimeframe} isCompact height={300} />
      </Suspense>
    </div>
  );
}
