import { formatDateTime } from "./format";
import { valueText } from "./preset-schema";

/** Runs beside each other. */

export interface Curve {
  times: readonly number[];
  values: readonly number[];
}

/** Curves on one axis of elapsed time, each 100 at its begin: at every time of any of them the newest value of each, null before its first and after its last one. */
export function normalise(curves: readonly Curve[]): { times: number[]; values: (number | null)[][] } {
  const begin = Math.min(...curves.flatMap(({ times }) => times.slice(0, 1)));
  const times = [...new Set(curves.flatMap((curve) => curve.times))].sort((a, b) => a - b);
  if (!Number.isFinite(begin)) return { times: [], values: curves.map(() => []) };
  const values = curves.map((curve) => {
    const start = curve.values[0];
    const last = curve.times.at(-1) ?? begin;
    let at = -1;
    return times.map((time) => {
      while (at + 1 < curve.times.length && (curve.times[at + 1] ?? Infinity) <= time) at++;
      const value = curve.values[at];
      return value === undefined || start === undefined || start === 0 || time > last ? null : (100 * value) / start;
    });
  });
  return { times, values };
}

/** A day of a date field as ms UTC; undefined when it is none. */
export function dayMs(text: string): number | undefined {
  const ms = Date.parse(`${text}T00:00:00Z`);
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && Number.isFinite(ms) ? ms : undefined;
}

/** "a,b,c" of an address: ids, each once. */
export function idsOf(text: string): string[] {
  return [...new Set(text.split(",").map((id) => id.trim()))].filter((id) => id !== "");
}

/** A parameter of a run as text; the ends of its range are moments. */
export function paramText(key: string, value: unknown): string {
  const isMoment = (key === "from" || key === "to") && typeof value === "number";
  return isMoment ? formatDateTime(value, { seconds: false, zone: "utc" }) : valueText(value);
}
