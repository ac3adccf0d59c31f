import { Button, Modal, Select, TextInput } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Download, Pause, Play } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { apiUrl } from "../../api/client";
import { useFeedMessages, useFeedTopics } from "../../api/live";
import { pagesQuery, queryText, rowsOf } from "../../api/pages";
import { formatClock, type Tone } from "../../domain/format";
import { useSearchState } from "../../hooks/use-search-state";
import { logsText as t } from "../../texts/logs";
import { Badge } from "../../ui/badge";
import { type Column, DataTable } from "../../ui/data-table";
import { useSearchKey, useShortcuts } from "../../ui/keys";
import { Panel } from "../../ui/panel";
import css from "./logs.module.css";
import type { LogLine } from "./queries";

const levels = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] as const;
const tones: Partial<Record<string, Tone>> = { WARNING: "warn", ERROR: "down", CRITICAL: "down", INFO: "accent" };
const LIVE_MAX = 2000;

type Line = Pick<LogLine, "ts" | "level" | "component" | "event" | "message"> & { [field: string]: unknown };

const columns: Column<Line>[] = [
  {
    id: "ts",
    header: t("column.ts"),
    cell: (line) => <span className="mono nowrap">{formatClock(Date.parse(line.ts), { millis: true })}</span>,
  },
  {
    id: "level",
    header: t("column.level"),
    cell: (line) => <Badge tone={tones[line.level] ?? "neutral"}>{line.level}</Badge>,
    text: (line) => line.level,
  },
  { id: "component", header: t("column.component"), cell: (line) => line.component, text: (line) => line.component },
  {
    id: "event",
    header: t("column.event"),
    cell: (line) => <span className="text-2">{line.event}</span>,
    text: (line) => line.event,
    isHiddenByDefault: true,
  },
  {
    id: "message",
    header: t("column.message"),
    cell: (line) => <span className={css.message}>{line.message}</span>,
    text: (line) => line.message,
    isTitle: true,
  },
];

function fits(line: Line, filters: { level: string; component: string; text: string; trace: string }): boolean {
  const least = (levels as readonly string[]).indexOf(filters.level);
  if (least > 0 && (levels as readonly string[]).indexOf(line.level) < least) return false;
  if (filters.component !== "" && line.component !== filters.component) return false;
  if (filters.trace !== "" && line["trace_id"] !== filters.trace) return false;
  return filters.text === "" || line.message.toLowerCase().includes(filters.text.toLowerCase());
}

/* New lines of the feed; while paused they wait. */
function useTail(isPaused: boolean): { lines: Line[]; held: number } {
  const [lines, setLines] = useState<Line[]>([]);
  const [held, setHeld] = useState(0);
  const waiting = useRef<Line[]>([]);
  useFeedTopics(["logs"]);
  useFeedMessages(["LOG"], ({ data }) => {
    waiting.current = [data as unknown as Line, ...waiting.current].slice(0, LIVE_MAX);
  });
  useEffect(() => {
    const timer = setInterval(() => {
      if (isPaused) {
        setHeld(waiting.current.length);
        return;
      }
      setHeld(0);
      if (waiting.current.length === 0) return;
      const fresh = waiting.current;
      waiting.current = [];
      setLines((before) => [...fresh, ...before].slice(0, LIVE_MAX));
    }, 250);
    return () => clearInterval(timer);
  }, [isPaused]);
  return { lines, held };
}

function LineDialog({ line, onClose }: { line: Line | null; onClose: () => void }) {
  return (
    <Modal
      opened={line !== null}
      onClose={onClose}
      title={t("line.title")}
      size="lg"
      closeButtonProps={{ "aria-label": t("line.close") }}
    >
      <pre className={css.detail}>{line && JSON.stringify(line, null, 2)}</pre>
    </Modal>
  );
}

/** The newest lines as they are written, older ones by page, by level, component, text, trace and time. */
export function LogList() {
  const [search, setSearch] = useSearchState({ level: "INFO", component: "", text: "", trace: "", from: "", to: "" });
  const [isPaused, setPaused] = useState(false);
  const [open, setOpen] = useState<Line | null>(null);
  const filters = {
    level: search.level,
    component: search.component,
    text: search.text,
    trace_id: search.trace,
    from: search.from,
    to: search.to,
  };
  const query = useInfiniteQuery(pagesQuery<Line>("/api/logs", filters, 200));
  const tail = useTail(isPaused);
  const isRange = search.to !== "";
  const loaded = rowsOf(query.data);
  const newest = loaded[0]?.ts ?? "";
  const fresh = isRange ? [] : tail.lines.filter((line) => line.ts > newest && fits(line, search));
  const rows = [...fresh, ...loaded];
  useShortcuts(t("page.title"), [
    { keys: "Space", label: isPaused ? t("tail.resume") : t("tail.pause"), run: () => setPaused(!isPaused) },
  ]);
  const input = useSearchKey();
  const components = [...new Set(rows.map((line) => line.component))].sort();
  return (
    <Panel
      title={t("list.title")}
      query={{ ...query, data: query.data }}
      isFlush
      note={
        <Badge tone={isPaused ? "warn" : "up"} dot>
          {isPaused ? t("tail.paused") : t("tail.live")}
        </Badge>
      }
      actions={
        <>
          {isPaused && tail.held > 0 && <span className="small text-2">{t("tail.held", { n: tail.held })}</span>}
          <Button
            variant="default"
            leftSection={isPaused ? <Play size={14} aria-hidden /> : <Pause size={14} aria-hidden />}
            onClick={() => setPaused(!isPaused)}
          >
            {isPaused ? t("tail.resume") : t("tail.pause")}
          </Button>
          <Button
            component="a"
            variant="default"
            leftSection={<Download size={14} aria-hidden />}
            href={apiUrl(`/api/logs${queryText({ ...filters, limit: "1000", format: "csv" })}`)}
            download="logs.csv"
          >
            {t("list.download")}
          </Button>
        </>
      }
    >
      <div className={css.filters}>
        <Select
          aria-label={t("filter.level")}
          data={[...levels]}
          value={search.level}
          w={120}
          onChange={(level) => setSearch({ level: level ?? "INFO" })}
        />
        <Select
          aria-label={t("filter.component")}
          placeholder={t("filter.component")}
          data={[{ value: "", label: t("filter.component") }, ...components.map((word) => ({ value: word, label: word }))]}
          value={search.component}
          w={140}
          onChange={(component) => setSearch({ component: component ?? "" })}
        />
        <TextInput
          ref={input}
          aria-label={t("filter.text")}
          placeholder={t("filter.text")}
          value={search.text}
          onChange={(event) => setSearch({ text: event.currentTarget.value })}
        />
        <TextInput
          aria-label={t("filter.trace")}
          placeholder={t("filter.trace")}
          value={search.trace}
          onChange={(event) => setSearch({ trace: event.currentTarget.value })}
        />
        <TextInput
          type="datetime-local"
          aria-label={t("filter.from")}
          title={t("filter.from")}
          value={search.from.replace("Z", "")}
          onChange={(event) =>
            setSearch({ from: event.currentTarget.value === "" ? "" : `${event.currentTarget.value.slice(0, 16)}:00Z` })
          }
        />
        <TextInput
          type="datetime-local"
          aria-label={t("filter.to")}
          title={t("filter.to")}
          value={search.to.replace("Z", "")}
          onChange={(event) =>
            setSearch({ to: event.currentTarget.value === "" ? "" : `${event.currentTarget.value.slice(0, 16)}:00Z` })
          }
        />
      </div>
      <DataTable
        id="logs.lines"
        label={t("list.title")}
        rows={rows}
        columns={columns}
        rowKey={(line) => `${line.ts}-${line.component}-${line.message}`}
        rowLabel={(line) => line.message}
        onOpen={setOpen}
        hasFilter={false}
        isPrimary
        maxHeight="calc(100vh - 300px)"
        empty={
          <span className="row">
            {t("list.empty")}
            <Button
              variant="default"
              onClick={() => setSearch({ level: "DEBUG", component: "", text: "", trace: "", from: "", to: "" })}
            >
              {t("list.clear")}
            </Button>
          </span>
        }
      />
      {query.hasNextPage && (
        <div className={css.more}>
          <Button variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            {t("list.older")}
          </Button>
        </div>
      )}
      <LineDialog line={open} onClose={() => setOpen(null)} />
    </Panel>
  );
}
