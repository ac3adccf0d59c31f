import { ActionIcon } from "@mantine/core";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { ChevronLeft, ChevronRight } from "lucide-react";
import { shortSymbol } from "../../domain/format";
import { type Timeframe, timeframes } from "../../features/chart/queries";
import { SymbolChart } from "../../features/chart/symbol-chart";
import { WhyAnswer } from "../../features/decisions/why";
import { SymbolScan, useScanResult } from "../../features/scanner/symbol-view";
import { useSearchState } from "../../hooks/use-search-state";
import { scannerText as t } from "../../texts/scanner";
import { useShortcuts } from "../../ui/keys";
import { Page } from "../../ui/page";

/** A symbol as the scanner sees it: filters, score, levels, decisions, chart. */
export function ScannerSymbolPage() {
  const { symbol: slug = "" } = useParams({ strict: false });
  const navigate = useNavigate();
  const [search, setSearch] = useSearchState({ tf: "5m" });
  const query = useScanResult(slug);
  const { previous, next } = query.neighbours;
  const go = (symbol: string | null): void => {
    if (symbol !== null) void navigate({ to: "/scanner/$symbol", params: { symbol } });
  };
  useShortcuts(t("page.title"), [
    { keys: "[", label: t("symbol.previous"), run: () => go(previous) },
    { keys: "]", label: t("symbol.next"), run: () => go(next) },
    ...timeframes.map((word, index) => ({ keys: String(index + 1), label: word, run: () => setSearch({ tf: word }) })),
  ]);
  const timeframe: Timeframe = timeframes.find((each) => each === search.tf) ?? "5m";
  return (
    <Page
      title={shortSymbol(query.data?.symbol ?? slug)}
      tools={
        <>
          <Link to="/scanner">{t("symbol.scanner")}</Link>
          <Link to="/chart/$symbol" params={{ symbol: slug }}>
            {t("symbol.chart")}
          </Link>
          <ActionIcon
            aria-label={t("symbol.previous")}
            title={`${t("symbol.previous")} [`}
            disabled={previous === null}
            onClick={() => go(previous)}
          >
            <ChevronLeft size={16} aria-hidden />
          </ActionIcon>
          <ActionIcon
            aria-label={t("symbol.next")}
            title={`${t("symbol.next")} ]`}
            disabled={next === null}
            onClick={() => go(next)}
          >
            <ChevronRight size={16} aria-hidden />
          </ActionIcon>
        </>
      }
    >
      <div className="grid">
        <div className="c-6 stack">
          <SymbolScan slug={slug} query={query} />
        </div>
        <div className="c-6 stack">
          <SymbolChart
            key={slug}
            symbol={slug}
            timeframe={timeframe}
            onTimeframe={(tf) => setSearch({ tf })}
            height={340}
            isCompact
          />
          <WhyAnswer key={`why-${slug}`} symbol={slug} />
        </div>
      </div>
    </Page>
  );
}
