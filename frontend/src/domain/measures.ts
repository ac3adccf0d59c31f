import { DASH, formatBps, formatCompact, formatFraction, formatNumber, formatPercent, formatPrice, formatR } from "./format";

/** A measured value with the unit that the API names. */
export function formatMeasure(value: number | null | undefined, unit: string): string {
  if (value == null) return DASH;
  switch (unit) {
    case "USD":
      return `${formatCompact(value)} USD`;
    case "bps":
      return formatBps(value);
    case "fraction":
      return formatFraction(value);
    case "%":
    case "percent":
      return formatPercent(value);
    case "ratio":
      return `${formatNumber(value)}×`;
    case "R":
      return formatR(value);
    case "price":
    case "quote":
      return formatPrice(value);
    case "base":
      return formatCompact(value);
    case "percentile":
      return formatNumber(value, 1);
    case "":
      return plain(value);
    case "correlation":
      return formatNumber(value);
    default:
      return `${plain(value)} ${unit}`;
  }
}

function plain(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 1000) return formatCompact(value);
  return formatNumber(value, Math.abs(value) < 0.1 ? 4 : 2);
}

/** The value → what was needed: "0.76× → ≥ 1.40×". */
export function formatNeed(
  value: number | null | undefined,
  threshold: number | null | undefined,
  unit: string,
  comparator = "",
): string {
  if (threshold == null) return formatMeasure(value, unit);
  const sign =
    comparator === ">="
      ? "≥ "
      : comparator === "<="
        ? "≤ "
        : comparator === "" || comparator === "in" || comparator === "none"
          ? ""
          : `${comparator} `;
  return `${formatMeasure(value, unit)} → ${sign}${formatMeasure(threshold, unit)}`;
}

/** Where value and threshold lie on a bar of 0 to 1. Amounts far apart are shown by their orders of magnitude. */
export interface Gauge {
  zero: number;
  value: number;
  threshold: number;
  isLog: boolean;
}

const FAR_APART = 20;

export function gaugeOf(value: number, threshold: number): Gauge {
  if (value > 0 && threshold > 0 && Math.max(value / threshold, threshold / value) > FAR_APART) {
    const low = Math.log10(Math.min(value, threshold)) - 0.5;
    const high = Math.log10(Math.max(value, threshold)) + 0.5;
    const at = (number: number): number => (Math.log10(number) - low) / (high - low);
    return { zero: 0, value: at(value), threshold: at(threshold), isLog: true };
  }
  const low = Math.min(0, value, threshold) * 1.15;
  const high = Math.max(0, value, threshold) * 1.15;
  const span = high - low || 1;
  return { zero: (0 - low) / span, value: (value - low) / span, threshold: (threshold - low) / span, isLog: false };
}
