import { SegmentedControl } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { engineQuery, positionsQuery } from "../../api/queries";
import type { Position } from "../../api/types";
import { CommandButton, useCommandHost } from "../../commands/host";
import { breakeven, breakevenSelected, closeAll, closePart, closeSelected } from "../../commands/positions";
import { formatCount, humanise, shortSymbol } from "../../domain/format";
import { useChoice } from "../../hooks/preferences";
import { useSearchState } from "../../hooks/use-search-state";
import { positionsText as t } from "../../texts/positions";
import { sideColumn, symbolColumn } from "../../ui/columns";
import { type Column, DataTable } from "../../ui/data-table";
import { useShortcuts } from "../../ui/keys";
import { Panel } from "../../ui/panel";
import { TimeAgo } from "../../ui/time";
import { Plain, Price, Quantity, RMultiple, Usd } from "../../ui/value";
import { PositionMenu } from "./actions";
import { ProtectedMark, StopRule } from "./parts";
import { PositionCard } from "./position-card";
import css from "./positions.module.css";
import { PriceBar } from "./price-bar";

const columns: readonly Column<Position>[] = [
  symbolColumn(t("column.symbol")),
  sideColumn(t("column.side")),
  { id: "strategy", header: t("column.strategy"), cell: (row) => row.strategy, sort: (row) => row.strategy },
  { id: "state", header: t("column.state"), cell: (row) => humanise(row.state), sort: (row) => row.state },
  {
    id: "age",
    header: t("column.age"),
    cell: (row) => <TimeAgo at={row.opened_at} />,
    sort: (row) => row.opened_at,
    align: "end",
  },
  { id: "bar", header: t("column.bar"), cell: (row) => <PriceBar position={row} /> },
  {
    id: "entry",
    header: t("column.entry"),
    cell: (row) => <Price symbol={row.symbol} value={row.entry} />,
    align: "end",
  },
  {
    id: "mark",
    header: t("column.mark"),
    cell: (row) => <Price symbol={row.symbol} value={row.mark} reason={t("unknown.mark")} />,
    align: "end",
  },
  { id: "stop", header: t("column.stop"), cell: (row) => <Price symbol={row.symbol} value={row.stop} />, align: "end" },
  { id: "rule", header: t("column.rule"), cell: (row) => <StopRule position={row} />, sort: (row) => row.stop_rule },
  {
    id: "qty",
    header: t("column.qty"),
    cell: (row) => <Quantity symbol={row.symbol} value={row.qty} />,
    sort: (row) => row.qty,
    align: "end",
    isHiddenByDefault: true,
  },
  {
    id: "notional",
    header: t("column.notional"),
    cell: (row) => <Usd value={row.notional_usd} reason={t("unknown.notional")} />,
    sort: (row) => row.notional_usd,
    align: "end",
  },
  {
    id: "leverage",
    header: t("column.leverage"),
    cell: (row) => <Plain value={row.leverage} digits={1} reason={t("unknown.leverage")} />,
    sort: (row) => row.leverage,
    align: "end",
    isHiddenByDefault: true,
  },
  {
    id: "correlation",
    header: t("column.correlation"),
    cell: (row) => <Plain value={row.btc_correlation} reason={t("unknown.correlation")} />,
    sort: (row) => row.btc_correlation,
    align: "end",
    isHiddenByDefault: true,
  },
  {
    id: "r",
    header: t("column.r"),
    cell: (row) => <RMultiple value={row.pnl_r} arrow reason={t("unknown.r")} />,
    sort: (row) => row.pnl_r,
    align: "end",
  },
  {
    id: "pnl",
    header: t("column.pnl"),
    cell: (row) => <Usd value={row.pnl_usd} signed reason={t("unknown.result")} />,
    sort: (row) => row.pnl_usd,
    align: "end",
  },
  {
    id: "protected",
    header: t("column.protected"),
    cell: (row) => <ProtectedMark position={row} />,
    sort: (row) => row.protected,
  },
  { id: "actions", header: t("column.actions"), cell: (row) => <PositionMenu position={row} />, align: "center" },
];

/** The position that keys act on: the one that has the focus, else the only one there is. */
function focusedOf(rows: readonly Position[], container: HTMLElement | null, last: string | null): Position | null {
  const active = document.activeElement?.closest<HTMLElement>("[data-key]");
  const key = active && container?.contains(active) ? active.dataset["key"] : last;
  return rows.find((row) => row.position_id === key) ?? (rows.length === 1 ? (rows[0] ?? null) : null);
}

function PositionCards({
  rows,
  selected,
  onSelect,
  onFocus,
}: {
  rows: readonly Position[];
  selected: ReadonlySet<string>;
  onSelect: (keys: ReadonlySet<string>) => void;
  onFocus: (key: string) => void;
}) {
  const list = useRef<HTMLUListElement>(null);
  const step = (by: number): void => {
    const links = [...(list.current?.querySelectorAll<HTMLElement>("[data-card-link]") ?? [])];
    const card = document.activeElement?.closest("[data-key]");
    const at = links.findIndex((link) => card?.contains(link));
    links[at === -1 ? (by > 0 ? 0 : links.length - 1) : at + by]?.focus();
  };
  // Enter on the link that has the focus opens it by itself.
  useShortcuts(t("open.title"), [
    { keys: "j", label: t("keys.next"), run: () => step(1) },
    { keys: "k", label: t("keys.previous"), run: () => step(-1) },
  ]);
  return (
    <ul ref={list} className={css.cards} aria-label={t("open.title")}>
      {rows.map((position) => (
        <PositionCard
          key={position.position_id}
          position={position}
          isSelected={selected.has(position.position_id)}
          onFocus={() => onFocus(position.position_id)}
          onSelect={() => {
            const next = new Set(selected);
            if (!next.delete(position.position_id)) next.add(position.position_id);
            onSelect(next);
          }}
        />
      ))}
    </ul>
  );
}

/** What acts on several positions: the selected ones, or all. */
function Bulk({ chosen }: { chosen: readonly Position[] }) {
  return (
    <div className={css.bulk}>
      {chosen.length > 0 && (
        <>
          <CommandButton command={breakevenSelected} args={{ positions: chosen }} />
          <CommandButton command={closeSelected} args={{ positions: chosen }} />
        </>
      )}
      <CommandButton command={closeAll} args={undefined} />
    </div>
  );
}

/** Open positions as a table or as cards. */
export function PositionsView() {
  const navigate = useNavigate();
  const query = useQuery(positionsQuery);
  const { data: engine } = useQuery(engineQuery);
  const { give } = useCommandHost();
  const [view, setView] = useChoice("positions.view", "table");
  const [search, setSearch] = useSearchState({ sort: "-r" });
  const isNarrow = useMediaQuery("(max-width: 767px)", false, { getInitialValueInEffect: false });
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [lastFocused, setLastFocused] = useState<string | null>(null);
  const container = useRef<HTMLDivElement>(null);
  const rows = query.data ?? [];
  const chosen = rows.filter((row) => selected.has(row.position_id));
  const focused = (): Position | null => focusedOf(rows, container.current, lastFocused);
  useShortcuts(t("page.title"), [
    {
      keys: "x",
      label: t("keys.close"),
      run: () => {
        const position = focused();
        if (position) void give(closePart, { position, fraction: 1 });
      },
    },
    {
      keys: "b",
      label: t("keys.breakeven"),
      run: () => {
        const position = focused();
        if (position) void give(breakeven, { position });
      },
    },
  ]);
  const isIdle = engine !== undefined && !engine.is_trading_active;
  return (
    <div
      ref={container}
      onFocus={(event) => setLastFocused(event.target.closest<HTMLElement>("[data-key]")?.dataset["key"] ?? lastFocused)}
    >
      <Panel
        title={t("open.title")}
        note={query.data ? formatCount(rows.length) : undefined}
        query={query}
        renewed="feed"
        isFlush
        actions={
          <>
            <Bulk chosen={chosen} />
            {!isNarrow && (
              <SegmentedControl
                aria-label={t("view.label")}
                value={view}
                onChange={setView}
                data={[
                  { value: "table", label: t("view.table") },
                  { value: "cards", label: t("view.cards") },
                ]}
              />
            )}
          </>
        }
        empty={(data) =>
          data.length > 0
            ? null
            : isIdle
              ? { text: t("open.idle"), action: <Link to="/engine">{t("open.toEngine")}</Link> }
              : { text: t("open.none"), action: <Link to="/scanner">{t("open.toScanner")}</Link> }
        }
      >
        {(data) =>
          view === "cards" || isNarrow ? (
            <PositionCards rows={data} selected={selected} onSelect={setSelected} onFocus={setLastFocused} />
          ) : (
            <DataTable
              id="positions.open"
              label={t("open.title")}
              rows={data}
              columns={columns}
              rowKey={(row) => row.position_id}
              rowLabel={(row) => shortSymbol(row.symbol)}
              selected={selected}
              onSelect={setSelected}
              sort={search.sort}
              onSort={(sort) => setSearch({ sort })}
              onOpen={(row) => void navigate({ to: "/trading/positions/$id", params: { id: row.position_id } })}
              hasColumnChoice
              isPrimary
              cards="never"
            />
          )
        }
      </Panel>
    </div>
  );
}
