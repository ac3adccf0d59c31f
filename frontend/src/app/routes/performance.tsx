import { Button, Menu, SegmentedControl, Select, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { apiUrl } from "../../api/client";
import { runsQuery, scanQuery, sessionsQuery } from "../../api/queries";
import { formatDay, shortSymbol, symbolSlug } from "../../domain/format";
import { PerformanceView } from "../../features/performance/performance-view";
import { exportPath, type Scope } from "../../features/performance/queries";
import { useSearchState } from "../../hooks/use-search-state";
import { performanceText as t } from "../../texts/performance";
import { Page } from "../../ui/page";
import { useEngineNow } from "../../ui/time";

const DAY_MS = 86_400_000;
const ranges = { "1d": 1, "1w": 7, "1m": 30, "3m": 91, "1y": 365 } as const;
const words = ["1d", "1w", "1m", "3m", "1y", "all", "custom"] as const;
type Word = (typeof words)[number];
/** Ranges that end now begin at full minutes, so that the same question is asked again and not another one each second. */
const STEP_MS = 60_000;

function rangeOf(search: { range: string; from: string; to: string }, now: number): { from?: string; to?: string } {
  if (search.range === "custom") {
    const from = Date.parse(`${search.from}T00:00:00Z`);
    const to = Date.parse(`${search.to}T00:00:00Z`);
    return {
      ...(Number.isFinite(from) ? { from: String(from) } : {}),
      ...(Number.isFinite(to) ? { to: String(to + DAY_MS) } : {}),
    };
  }
  const days = ranges[search.range as keyof typeof ranges] as number | undefined;
  return days === undefined ? {} : { from: String(Math.floor(now / STEP_MS) * STEP_MS - days * DAY_MS) };
}

/** How the bot did: any session, range or symbol, beside a backtest if wished. */
export function PerformancePage() {
  const [search, setSearch] = useSearchState({ range: "all", from: "", to: "", session: "", mode: "", symbol: "", compare: "" });
  const { data: sessions } = useQuery(sessionsQuery);
  const { data: scan } = useQuery(scanQuery);
  const { data: runs } = useQuery(runsQuery);
  const now = useEngineNow(STEP_MS);
  const scope: Scope = { ...rangeOf(search, now), session_id: search.session, mode: search.mode, symbol: search.symbol };
  const range = (words as readonly string[]).includes(search.range) ? (search.range as Word) : "all";
  return (
    <Page
      title={t("page.title")}
      tools={
        <>
          <SegmentedControl
            aria-label={t("range.label")}
            data={words.map((word) => ({ value: word, label: t(`range.${word}`) }))}
            value={range}
            onChange={(next) => setSearch({ range: next })}
          />
          {range === "custom" && (
            <>
              <TextInput
                type="date"
                aria-label={t("range.from")}
                value={search.from}
                onChange={(event) => setSearch({ from: event.currentTarget.value })}
              />
              <TextInput
                type="date"
                aria-label={t("range.to")}
                value={search.to}
                onChange={(event) => setSearch({ to: event.currentTarget.value })}
              />
            </>
          )}
          <Select
            aria-label={t("filter.session")}
            w={170}
            data={[
              { value: "", label: t("filter.allSessions") },
              ...(sessions ?? []).map((session) => ({
                value: session.session_id,
                label: `${session.session_id} · ${session.preset ?? ""} · ${formatDay(session.started_at)}`,
              })),
            ]}
            value={search.session}
            onChange={(next) => setSearch({ session: next ?? "" })}
          />
          <Select
            aria-label={t("filter.symbol")}
            w={130}
            searchable
            data={[
              { value: "", label: t("filter.anySymbol") },
              ...(scan?.items ?? []).map((row) => ({ value: symbolSlug(row.symbol), label: shortSymbol(row.symbol) })),
            ]}
            value={search.symbol}
            onChange={(next) => setSearch({ symbol: next ?? "" })}
          />
          <Select
            aria-label={t("filter.compare")}
            w={180}
            data={[
              { value: "", label: t("filter.noCompare") },
              ...(runs ?? [])
                .filter((run) => run.status === "done")
                .map((run) => ({ value: run.run_id, label: `${run.run_id} · ${run.preset}` })),
            ]}
            value={search.compare}
            onChange={(next) => setSearch({ compare: next ?? "" })}
          />
          <Menu position="bottom-end">
            <Menu.Target>
              <Button variant="default" leftSection={<Download size={14} aria-hidden />}>
                {t("export.label")}
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item component="a" href={apiUrl(exportPath("/api/performance/equity", scope, "csv"))} download>
                {t("export.equityCsv")}
              </Menu.Item>
              <Menu.Item component="a" href={apiUrl(exportPath("/api/trading/trades", scope, "csv"))} download>
                {t("export.tradesCsv")}
              </Menu.Item>
              <Menu.Item component="a" href={apiUrl(exportPath("/api/trading/trades", scope, "json"))} download="trades.json">
                {t("export.tradesJson")}
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </>
      }
    >
      <PerformanceView
        scope={scope}
        compared={search.compare === "" ? undefined : { run_id: search.compare, symbol: search.symbol }}
      />
    </Page>
  );
}
