import { useQuery } from "@tanstack/react-query";
import { lazy, memo, useCallback, Suspense } from "react";
import { useFeedTopics } from "../../api/live";
import { candidatesQuery, positionsQuery, scanQuery } from "../../api/queries";
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
const SymbolChart = memo(lazy(async () => ({ default: (await import("../../features/chart/symbol-chart")).SymbolChart })));

const TIMEFRAMES = ["1m", "5m", "15m", "1h"] as const;
type Timeframe = (typeof TIMEFRAMES)[number];

export function DashboardPage() {
  useFeedTopics(["risk", "equity"]);
  const [search, setSearch] = useSearchState({ symbol: "", range: "1d", timeframe: "5m" });
  const choose = useCallback((symbol: string) => setSearch({ symbol }), [setSearch]);
  const chooseTimeframe = useCallback((timeframe: Timeframe) => setSearch({ timeframe }), [setSearch]);
  return (
    <Page title={frameText("page.dashboard")}>
      <div className="grid">
        <FirstSteps />
        <EngineCard />
        <RiskCards />
        <ChartPanel
          chosen={search.symbol}
          timeframe={TIMEFRAMES.find((each) => each === search.timeframe) ?? "5m"}
          onTimeframe={chooseTimeframe}
        />
        <CandidatesPanel chosen={search.symbol} onChoose={choose} />
        <PositionsPanel chosen={search.symbol} onChoose={choose} />
        <AlertsPanel />
        <SignalFeed />
        <EquityCurve range={search.range} onRange={(range) => setSearch({ range })} />
        <Funnel />
      </div>
    </Page>
  );
}

/** The chosen symbol while it is a position or a candidate, else the first position, the best candidate, the best of the scan. */
function useShownSymbol(chosen: string): string | null {
  const { data: positions } = useQuery(positionsQuery);
  const { data: candidates } = useQuery(candidatesQuery);
  const { data: scan } = useQuery(scanQuery);
  const isThere = [...(positions ?? []), ...(candidates ?? [])].some(({ symbol }) => symbol === chosen);
  if (isThere) return chosen;
  return positions?.[0]?.symbol ?? byRank(candidates ?? [])[0]?.symbol ?? byRank(scan?.items ?? [])[0]?.symbol ?? null;
}

function ChartPanel({
  chosen,
  timeframe,
  onTimeframe,
}: {
  chosen: string;
  timeframe: Timeframe;
  onTimeframe: (timeframe: Timeframe) => void;
}) {
  const symbol = useShownSymbol(chosen);
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
