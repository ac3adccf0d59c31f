/** What the scanner's pages compute of the rows of a scan. */
export interface FilterLike {
  passed: boolean;
  skipped: boolean;
  value: number | null;
  threshold: number | null;
  distance: number | null;
  unit: string;
  code: string;
}
export interface ResultLike {
  passed: boolean;
  filters: Readonly<Record<string, FilterLike>>;
  failed: readonly string[];
}

export function isShown(result: ResultLike, choice: string): boolean {
  if (choice === "passed") return result.passed;
  // One failed filter and nothing else between the symbol and the next stage.
  if (choice === "almost") return !result.passed && result.failed.length === 1;
  return true;
}

/** Filters that were asked: skipped ones count neither as passed nor as failed. */
export function filterCount(result: ResultLike): { passed: number; asked: number; skipped: number } {
  const filters = Object.values(result.filters);
  const asked = filters.filter(({ skipped }) => !skipped);
  return { passed: asked.filter(({ passed }) => passed).length, asked: asked.length, skipped: filters.length - asked.length };
}

export function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}

interface ScanLike {
  ts: number;
  scanned: number;
  failed_by_filter: Readonly<Record<string, number>>;
}
interface CodeLike {
  code: string;
  count: number;
  median_value: number | null;
  nearest_distance: number | null;
}
export interface FilterStatistic {
  code: string;
  unit: string;
  /** Of the symbols of every scan of the last hour; null when no scan is known. */
  passRate: number | null;
  /** Of the symbols of the last scan that the page has. */
  medianNow: number | null;
  threshold: number | null;
  /** Of the values that failed in the last hour. */
  medianFailed: number | null;
  /** The failure that came nearest; not positive. */
  nearest: number | null;
  isSkipped: boolean;
}

const HOUR_MS = 3_600_000;

/** Pass rate and median of every filter: of the scans within an hour of the newest, the rows of the last scan, and the decisions' summary. */
export function filterStatistics(
  items: readonly ResultLike[],
  scans: readonly ScanLike[],
  codes: readonly CodeLike[],
): FilterStatistic[] {
  const newest = scans.reduce((max, { ts }) => Math.max(max, ts), 0);
  const recent = scans.filter(({ ts }) => ts > newest - HOUR_MS);
  const scanned = recent.reduce((sum, scan) => sum + scan.scanned, 0);
  const names = [...new Set(items.flatMap(({ filters }) => Object.keys(filters)))];
  return names.map((code) => {
    const rows = items.flatMap(({ filters }) => (filters[code] ? [filters[code]] : []));
    const isSkipped = rows.every(({ skipped }) => skipped);
    const failed = recent.reduce((sum, scan) => sum + (scan.failed_by_filter[code] ?? 0), 0);
    const summary = codes.find((each) => each.code === code);
    return {
      code,
      unit: rows[0]?.unit ?? "",
      passRate: scanned > 0 && !isSkipped ? 1 - failed / scanned : null,
      medianNow: median(rows.flatMap(({ value }) => (value === null ? [] : [value]))),
      threshold: rows.find(({ threshold }) => threshold !== null)?.threshold ?? null,
      medianFailed: summary?.median_value ?? null,
      nearest: summary?.nearest_distance ?? null,
      isSkipped,
    };
  });
}
