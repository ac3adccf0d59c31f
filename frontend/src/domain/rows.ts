/** Sorting and filtering of table rows. */
export type SortValue = string | number | boolean | null | undefined;

/** "symbol" is ascending, "-symbol" descending, "" as the rows come. */
export function parseSort(sort: string): { id: string; isDescending: boolean } {
  return sort.startsWith("-") ? { id: sort.slice(1), isDescending: true } : { id: sort, isDescending: false };
}

/** What a click on the heading of `id` makes of the sort: first descending (largest first), then ascending, then as they come. */
export function toggleSort(sort: string, id: string): string {
  if (sort === `-${id}`) return id;
  return sort === id ? "" : `-${id}`;
}

function compare(a: Exclude<SortValue, null | undefined>, b: Exclude<SortValue, null | undefined>): number {
  if (typeof a === "string" && typeof b === "string") return a.localeCompare(b, "en", { numeric: true });
  return Number(a) - Number(b);
}

/** A sorted copy; equal rows keep their order, unknown values come last in both directions. */
export function sortRows<Row>(rows: readonly Row[], value: (row: Row) => SortValue, isDescending: boolean): Row[] {
  return rows
    .map((row, index) => ({ row, index, value: value(row) }))
    .sort((a, b) => {
      const isUnknownA = a.value === null || a.value === undefined || Number.isNaN(a.value);
      const isUnknownB = b.value === null || b.value === undefined || Number.isNaN(b.value);
      if (isUnknownA || isUnknownB) return Number(isUnknownA) - Number(isUnknownB) || a.index - b.index;
      const order = compare(a.value as string | number, b.value as string | number);
      return (isDescending ? -order : order) || a.index - b.index;
    })
    .map(({ row }) => row);
}

/** Rows that contain every word of the filter. */
export function filterRows<Row>(rows: readonly Row[], filter: string, text: (row: Row) => string): Row[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [...rows];
  return rows.filter((row) => {
    const haystack = text(row).toLowerCase();
    return words.every((word) => haystack.includes(word));
  });
}

/** The rows in the order their keys had before; new ones at the end, in their own order. */
export function keepOrder<Row>(rows: readonly Row[], keys: readonly string[], rowKey: (row: Row) => string): Row[] {
  const place = new Map(keys.map((key, index) => [key, index]));
  return sortRows(rows, (row) => place.get(rowKey(row)) ?? null, false);
}
