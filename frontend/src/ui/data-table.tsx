import { ActionIcon, Button, Checkbox, Menu, TextInput } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDown, ArrowUp, Columns3, Search } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useMemo, useRef, useState } from "react";
import { formatCount } from "../domain/format";
import { filterRows, keepOrder, parseSort, sortRows, type SortValue, toggleSort } from "../domain/rows";
import { useChoice } from "../hooks/preferences";
import { uiText as t } from "../texts/ui";
import css from "./data-table.module.css";
import { useShortcuts } from "./keys";

export interface Column<Row> {
  id: string;
  header: string;
  cell: (row: Row) => ReactNode;
  /** Sortable when present; null sorts last in both directions. */
  sort?: (row: Row) => SortValue;
  /** Text that the filter searches; default: the sort value. */
  text?: (row: Row) => string;
  align?: "start" | "end" | "center";
  /** Explains the column as the heading's tooltip. */
  hint?: string;
  isHiddenByDefault?: boolean;
  /** The heading of a card below 768 px; the first column unless one says so. */
  isTitle?: boolean;
  /** Left out of cards. */
  isNotInCard?: boolean;
}

interface DataTableProps<Row> {
  /** Names the table for its remembered columns: "trading.positions". */
  id: string;
  label: string;
  rows: readonly Row[];
  columns: readonly Column<Row>[];
  rowKey: (row: Row) => string;
  /** What names a row for screen readers (symbol, id). */
  rowLabel?: (row: Row) => string;
  onOpen?: ((row: Row) => void) | undefined;
  /** "column" or "-column"; from the page's address with useSearchState, or kept inside when absent. */
  sort?: string;
  onSort?: (sort: string) => void;
  defaultSort?: string;
  filter?: string;
  onFilter?: (filter: string) => void;
  hasFilter?: boolean;
  hasColumnChoice?: boolean;
  tools?: ReactNode;
  selected?: ReadonlySet<string>;
  onSelect?: (keys: ReadonlySet<string>) => void;
  activeKey?: string | null;
  maxHeight?: number | string;
  /** The main table of its page: j, k, Enter and / work from anywhere on it. */
  isPrimary?: boolean;
  cards?: "auto" | "always" | "never";
  empty?: ReactNode;
}

const VIRTUAL_FROM = 80;
const CARD_LIMIT = 100;

function textOf<Row>(column: Column<Row>, row: Row): string {
  if (column.text) return column.text(row);
  const value = column.sort?.(row);
  return value === null || value === undefined ? "" : String(value);
}

/** Columns of a table that the user may hide; remembered per table. */
function useColumns<Row>(
  id: string,
  columns: readonly Column<Row>[],
): { shown: Column<Row>[]; isShown: (id: string) => boolean; toggle: (id: string) => void } {
  const fallback = columns
    .filter((column) => column.isHiddenByDefault)
    .map((column) => column.id)
    .join(",");
  const [stored, store] = useChoice(`${id}.hidden`, fallback);
  const hidden = new Set(stored === "" ? [] : stored.split(","));
  return {
    shown: columns.filter((column) => !hidden.has(column.id)),
    isShown: (name) => !hidden.has(name),
    toggle: (name) => {
      if (!hidden.delete(name)) hidden.add(name);
      if (columns.some((column) => !hidden.has(column.id))) store([...hidden].join(","));
    },
  };
}

function useRows<Row>(
  props: DataTableProps<Row>,
  sort: string,
  filter: string,
): { rows: Row[]; onEnter: () => void; onLeave: () => void } {
  const { rows, columns, rowKey } = props;
  const [held, setHeld] = useState<{ by: string; order: readonly string[] } | null>(null);
  const { id: sortId, isDescending } = parseSort(sort);
  const column = columns.find((candidate) => candidate.id === sortId);
  const sorted = useMemo(() => {
    const matching = filterRows(rows, filter, (row) => columns.map((each) => textOf(each, row)).join(" "));
    return column?.sort ? sortRows(matching, column.sort, isDescending) : matching;
  }, [rows, filter, columns, column, isDescending]);
  // No update moves what the pointer is on: while it rests on the rows the order stays, until another order is asked for.
  const by = `${sort} ${filter}`;
  const shown = held?.by === by ? keepOrder(sorted, held.order, rowKey) : sorted;
  return {
    rows: shown,
    onEnter: () => setHeld({ by, order: shown.map(rowKey) }),
    onLeave: () => setHeld(null),
  };
}

function HeaderCell<Row>({ column, sort, onSort }: { column: Column<Row>; sort: string; onSort: (sort: string) => void }) {
  const { id, isDescending } = parseSort(sort);
  const isSorted = id === column.id;
  const ariaSort = isSorted ? (isDescending ? "descending" : "ascending") : undefined;
  const Arrow = isDescending ? ArrowDown : ArrowUp;
  return (
    <th scope="col" className={css[column.align ?? "start"]} aria-sort={ariaSort} title={column.hint}>
      {column.sort ? (
        <button
          type="button"
          className={`${css.sort} ${isSorted ? css.isSorted : ""}`}
          onClick={() => onSort(toggleSort(sort, column.id))}
        >
          {column.header}
          {isSorted && <Arrow size={12} aria-hidden />}
        </button>
      ) : (
        column.header
      )}
    </th>
  );
}

function ColumnMenu<Row>({
  columns,
  isShown,
  toggle,
}: {
  columns: readonly Column<Row>[];
  isShown: (id: string) => boolean;
  toggle: (id: string) => void;
}) {
  return (
    <Menu closeOnItemClick={false} position="bottom-end">
      <Menu.Target>
        <ActionIcon aria-label={t("table.columns")} title={t("table.columns")}>
          <Columns3 size={16} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown mah={360} style={{ overflowY: "auto" }}>
        {columns.map((column) => (
          <Menu.CheckboxItem key={column.id} checked={isShown(column.id)} onChange={() => toggle(column.id)}>
            {column.header}
          </Menu.CheckboxItem>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function Cards<Row>({
  props,
  rows,
  columns,
}: {
  props: DataTableProps<Row>;
  rows: readonly Row[];
  columns: readonly Column<Row>[];
}) {
  const title = columns.find((column) => column.isTitle) ?? columns[0];
  const rest = columns.filter((column) => column !== title && !column.isNotInCard);
  const [limit, setLimit] = useState(CARD_LIMIT);
  return (
    <>
      <ul className={css.cards} aria-label={props.label}>
        {rows.slice(0, limit).map((row) => {
          const key = props.rowKey(row);
          const { onOpen, selected, onSelect } = props;
          return (
            <li key={key} className={`${css.card} ${props.activeKey === key ? css.selected : ""}`}>
              <div className={css.cardHead}>
                {onOpen ? (
                  <button type="button" className={css.cardOpen} onClick={() => onOpen(row)}>
                    {title?.cell(row)}
                  </button>
                ) : (
                  title?.cell(row)
                )}
                {selected && onSelect && <SelectBox row={row} props={props} />}
              </div>
              <dl className={css.pairs}>
                {rest.map((column) => (
                  <div key={column.id}>
                    <dt>{column.header}</dt>
                    <dd>{column.cell(row)}</dd>
                  </div>
                ))}
              </dl>
            </li>
          );
        })}
      </ul>
      {rows.length > limit && (
        <Button variant="subtle" fullWidth onClick={() => setLimit(limit + CARD_LIMIT)}>
          {t("table.filtered", { n: limit, total: rows.length })}
        </Button>
      )}
    </>
  );
}

function SelectBox<Row>({ row, props }: { row: Row; props: DataTableProps<Row> }) {
  const key = props.rowKey(row);
  const selected = props.selected ?? new Set<string>();
  return (
    <Checkbox
      aria-label={t("table.select", { name: props.rowLabel?.(row) ?? key })}
      checked={selected.has(key)}
      onClick={(event) => event.stopPropagation()}
      onChange={() => {
        const next = new Set(selected);
        if (!next.delete(key)) next.add(key);
        props.onSelect?.(next);
      }}
    />
  );
}

function moveFocus(container: HTMLElement | null, step: number): void {
  const rows = [...(container?.querySelectorAll<HTMLElement>("tbody tr[data-key]") ?? [])];
  const at = rows.findIndex((row) => row === document.activeElement || row.contains(document.activeElement));
  const next = rows[at === -1 ? (step > 0 ? 0 : rows.length - 1) : at + step];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

interface BodyProps<Row> {
  props: DataTableProps<Row>;
  rows: readonly Row[];
  columns: readonly Column<Row>[];
  scroller: React.RefObject<HTMLDivElement | null>;
  onEnter: () => void;
  onLeave: () => void;
}

function rowHeight(): number {
  return (Number.parseInt(getComputedStyle(document.documentElement).getPropertyValue("--row"), 10) || 28) + 1;
}

/** Rows in view and the height of those before and after; all rows when they are few. */
function useWindow<Row>(
  rows: readonly Row[],
  scroller: BodyProps<Row>["scroller"],
): { from: number; to: number; before: number; after: number } {
  // The rows are read at once below; nothing of the virtualizer is handed to a memoised child.
  // eslint-disable-next-line react-hooks/incompatible-library
  const virtual = useVirtualizer({
    count: rows.length < VIRTUAL_FROM ? 0 : rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: rowHeight,
    overscan: 12,
  });
  if (rows.length < VIRTUAL_FROM) return { from: 0, to: rows.length, before: 0, after: 0 };
  const items = virtual.getVirtualItems();
  const first = items[0];
  const last = items.at(-1);
  // Before the first measurement (and in a test without layout) a screenful is drawn.
  if (!first || !last) return { from: 0, to: Math.min(rows.length, VIRTUAL_FROM), before: 0, after: 0 };
  return { from: first.index, to: last.index + 1, before: first.start, after: virtual.getTotalSize() - last.end };
}

function Body<Row>({ props, rows, columns, scroller, onEnter, onLeave }: BodyProps<Row>) {
  const { from, to, before, after } = useWindow(rows, scroller);
  const { onOpen, rowKey, activeKey, selected } = props;
  const span = columns.length + (selected ? 1 : 0);
  const onKeyDown = (event: KeyboardEvent<HTMLTableRowElement>, row: Row): void => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      moveFocus(scroller.current, event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && event.target === event.currentTarget) {
      event.preventDefault();
      onOpen?.(row);
    }
  };
  return (
    <tbody onPointerEnter={onEnter} onPointerLeave={onLeave}>
      {before > 0 && (
        <tr className={css.spacer} aria-hidden>
          <td colSpan={span} style={{ height: before }} />
        </tr>
      )}
      {rows.slice(from, to).map((row, index) => {
        const key = rowKey(row);
        return (
          <tr
            key={key}
            data-key={key}
            aria-rowindex={from + index + 2}
            tabIndex={from + index === 0 || activeKey === key ? 0 : -1}
            className={[onOpen && css.isOpenable, (activeKey === key || selected?.has(key)) && css.selected]
              .filter(Boolean)
              .join(" ")}
            onClick={onOpen && (() => onOpen(row))}
            onKeyDown={(event) => onKeyDown(event, row)}
          >
            {selected && (
              <td className={css.check} onClick={(event) => event.stopPropagation()}>
                <SelectBox row={row} props={props} />
              </td>
            )}
            {columns.map((column) => (
              <td key={column.id} className={css[column.align ?? "start"]}>
                {column.cell(row)}
              </td>
            ))}
          </tr>
        );
      })}
      {after > 0 && (
        <tr className={css.spacer} aria-hidden>
          <td colSpan={span} style={{ height: after }} />
        </tr>
      )}
    </tbody>
  );
}

function SelectAll<Row>({ props, rows }: { props: DataTableProps<Row>; rows: readonly Row[] }) {
  const count = props.selected?.size ?? 0;
  return (
    <Checkbox
      aria-label={t("table.selectAll")}
      checked={count > 0 && count === rows.length}
      indeterminate={count > 0 && count < rows.length}
      onChange={() => props.onSelect?.(count === rows.length ? new Set() : new Set(rows.map(props.rowKey)))}
    />
  );
}

/** A table of records: sorting, choice of columns, filter, virtual rows, keyboard; cards below 768 px. */
export function DataTable<Row>(props: DataTableProps<Row>) {
  const {
    id,
    label,
    columns,
    rowKey,
    onOpen,
    isPrimary = false,
    cards = "auto",
    hasFilter = false,
    hasColumnChoice = false,
    maxHeight,
  } = props;
  const [ownSort, setOwnSort] = useState(props.defaultSort ?? "");
  const [ownFilter, setOwnFilter] = useState("");
  const sort = props.sort ?? ownSort;
  const filter = props.filter ?? ownFilter;
  const onSort = props.onSort ?? setOwnSort;
  const onFilter = props.onFilter ?? setOwnFilter;
  const isNarrow = useMediaQuery("(max-width: 767px)", false, { getInitialValueInEffect: false });
  const areCards = cards === "always" || (cards === "auto" && isNarrow);
  const { shown, isShown, toggle } = useColumns(id, columns);
  const { rows, onEnter, onLeave } = useRows(props, sort, filter);
  const scroller = useRef<HTMLDivElement>(null);
  const filterInput = useRef<HTMLInputElement>(null);
  const openFocused = (): void => {
    const key = (document.activeElement as HTMLElement | null)?.dataset["key"];
    const row = rows.find((candidate) => rowKey(candidate) === key);
    if (row !== undefined) onOpen?.(row);
  };
  useShortcuts(
    label,
    isPrimary
      ? [
          { keys: "j", label: t("table.next"), run: () => moveFocus(scroller.current, 1) },
          { keys: "k", label: t("table.previous"), run: () => moveFocus(scroller.current, -1) },
          ...(onOpen ? [{ keys: "Enter", label: t("table.open"), run: openFocused }] : []),
          ...(hasFilter ? [{ keys: "/", label: t("table.focusFilter"), run: () => filterInput.current?.focus() }] : []),
        ]
      : [],
  );
  const hasTools = hasFilter || hasColumnChoice || props.tools !== undefined;
  const isFiltered = filter !== "" && rows.length !== props.rows.length;
  return (
    <div>
      {hasTools && (
        <div className={css.tools}>
          {hasFilter && (
            <TextInput
              ref={filterInput}
              aria-label={t("table.filter", { name: label })}
              placeholder={t("table.filterHint")}
              leftSection={<Search size={14} aria-hidden />}
              value={filter}
              onChange={(event) => onFilter(event.currentTarget.value)}
              w={180}
            />
          )}
          {props.tools}
          <div className={css.toolsEnd}>
            <span>
              {isFiltered
                ? t("table.filtered", { n: formatCount(rows.length), total: formatCount(props.rows.length) })
                : t("table.rows", { n: rows.length })}
            </span>
            {hasColumnChoice && !areCards && <ColumnMenu columns={columns} isShown={isShown} toggle={toggle} />}
          </div>
        </div>
      )}
      {areCards ? (
        <Cards props={props} rows={rows} columns={shown} />
      ) : (
        <div ref={scroller} className={css.scroll} style={{ maxHeight }} tabIndex={0} role="group" aria-label={label}>
          <table className={css.table} aria-label={label} aria-rowcount={rows.length + 1}>
            <thead>
              <tr aria-rowindex={1}>
                {props.selected && (
                  <th scope="col" className={css.check}>
                    <SelectAll props={props} rows={rows} />
                  </th>
                )}
                {shown.map((column) => (
                  <HeaderCell key={column.id} column={column} sort={sort} onSort={onSort} />
                ))}
              </tr>
            </thead>
            <Body props={props} rows={rows} columns={shown} scroller={scroller} onEnter={onEnter} onLeave={onLeave} />
          </table>
        </div>
      )}
      {rows.length === 0 &&
        (isFiltered ? (
          <div className={css.none}>
            {t("table.noMatch")}{" "}
            <Button variant="subtle" onClick={() => onFilter("")}>
              {t("table.clearFilter")}
            </Button>
          </div>
        ) : (
          props.empty !== undefined && <div className={css.none}>{props.empty}</div>
        ))}
    </div>
  );
}
