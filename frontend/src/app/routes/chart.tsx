import { ActionIcon, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { ChevronLeft, ChevronRight } from "lucide-react";
import { candidatesQuery, positionsQuery, scanQuery } from "../../api/queries";
import { shortSymbol, symbolSlug } from "../../domain/format";
import { type Timeframe, timeframes } from "../../features/chart/queries";
import { SymbolSide } from "../../features/chart/side-panel";
import { SymbolChart } from "../../features/chart/symbol-chart";
import { useSearchState } from "../../hooks/use-search-state";
import { chartText as t } from "../../texts/chart";
import { useShortcuts } from "../../ui/keys";
import { Page } from "../../ui/page";

const FALLBACK = "BTCUSDT";

function isTimeframe(word: string): word is Timeframe {
  return (timeframes as readonly string[]).includes(word);
}

/** A symbol's candles with everything the bot knows of it; of a trade or decision at its own time (?at=ms). */
export function ChartPage() {
  const { symbol: wanted } = useParams({ strict: false });
  const navigate = useNavigate();
  const { data: candidates } = useQuery(candidatesQuery);
  const { data: positions } = useQuery(positionsQuery);
  const { data: scan } = useQuery(scanQuery);
  const [search, setSearch] = useSearchState({ tf: "5m", log: false, at: 0 });
  const watched = [...new Set([...(positions ?? []), ...(candidates ?? [])].map((row) => symbolSlug(row.symbol)))];
  const slug = wanted ?? watched[0] ?? FALLBACK;
  const known = [...new Set([slug, ...watched, ...(scan?.items ?? []).map((row) => symbolSlug(row.symbol))])].sort();
  const open = (next: string): void => {
    void navigate({
      to: "/chart/$symbol",
      params: { symbol: next },
      search: (previous: Record<string, unknown>) => ({ ...previous, at: undefined }),
    });
  };
  const step = (by: number): void => {
    const list = watched.length > 0 ? watched : known;
    const next = list[(list.indexOf(slug) + by + list.length) % list.length];
    if (next !== undefined) open(next);
  };
  useShortcuts(t("chart.title"), [
    { keys: "[", label: t("chart.previous"), run: () => step(-1) },
    { keys: "]", label: t("chart.next"), run: () => step(1) },
    ...timeframes.map((word, index) => ({ keys: String(index + 1), label: word, run: () => setSearch({ tf: word }) })),
  ]);
  const name = scan?.items.find((row) => symbolSlug(row.symbol) === slug)?.symbol ?? slug;
  return (
    <Page
      title={shortSymbol(name)}
      tools={
        <>
          <ActionIcon aria-label={t("chart.previous")} title={`${t("chart.previous")} [`} onClick={() => step(-1)}>
            <ChevronLeft size={16} aria-hidden />
          </ActionIcon>
          <Select
            aria-label={t("chart.symbol")}
            data={known}
            value={slug}
            searchable
            w={150}
            onChange={(next) => {
              if (next !== null) open(next);
            }}
          />
          <ActionIcon aria-label={t("chart.next")} title={`${t("chart.next")} ]`} onClick={() => step(1)}>
            <ChevronRight size={16} aria-hidden />
          </ActionIcon>
        </>
      }
    >
      <div className="grid">
        <div className="c-9">
          <SymbolChart
            key={slug}
            symbol={slug}
            timeframe={isTimeframe(search.tf) ? search.tf : "5m"}
            onTimeframe={(tf) => setSearch({ tf })}
            isLog={search.log}
            onLog={(log) => setSearch({ log })}
            focusTs={search.at > 0 ? search.at : null}
            height="calc(100vh - 190px)"
          />
        </div>
        <div className="c-3 stack">
          <SymbolSide symbol={slug} />
        </div>
      </div>
    </Page>
  );
}
