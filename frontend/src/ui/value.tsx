import type { ReactNode } from "react";
import {
  DASH,
  formatBps,
  formatCompact,
  formatCount,
  formatFraction,
  formatNumber,
  formatPercent,
  formatPrice,
  formatQuantity,
  formatR,
  formatUsd,
  toneOf,
} from "../domain/format";
import { uiText as t } from "../texts/ui";

type Maybe = number | null | undefined;

/** A value that may be unknown: its text, or a dash with the reason as tooltip. */
export function Value({ children, reason }: { children: ReactNode; reason?: string | undefined }) {
  if (children !== null && children !== undefined && children !== DASH && children !== "") return <>{children}</>;
  const why = reason ?? t("value.unknown");
  return (
    <span className="text-3" role="note" aria-label={why} title={why}>
      {DASH}
    </span>
  );
}

/** Profit and loss: sign, colour and arrow, so that no information hangs on colour alone. */
function Signed({ value, text, hasArrow }: { value: Maybe; text: string; hasArrow: boolean }) {
  const tone = toneOf(value);
  const arrow = !hasArrow || tone === "neutral" ? "" : tone === "up" ? "▲ " : "▼ ";
  return (
    <span className={`tone-${tone} nowrap`}>
      {arrow !== "" && (
        <span aria-hidden style={{ fontSize: "0.75em" }}>
          {arrow}
        </span>
      )}
      {text}
    </span>
  );
}

interface NumberProps {
  value: Maybe;
  /** Why the value is unknown; shown beside the dash. */
  reason?: string | undefined;
}

function Unknown({ reason }: { reason: string | undefined }) {
  return <Value reason={reason}>{null}</Value>;
}

/** In the steps of its symbol, as the venue counts. */
export function Price({ value, symbol, reason }: NumberProps & { symbol?: string }) {
  return value == null ? <Unknown reason={reason} /> : <span className="nowrap">{formatPrice(value, symbol)}</span>;
}

export function Quantity({ value, symbol, reason }: NumberProps & { symbol?: string }) {
  return value == null ? <Unknown reason={reason} /> : <span className="nowrap">{formatQuantity(value, symbol)}</span>;
}

export function Usd({ value, signed = false, arrow = false, reason }: NumberProps & { signed?: boolean; arrow?: boolean }) {
  if (value == null) return <Unknown reason={reason} />;
  const text = formatUsd(value, signed);
  return signed ? <Signed value={value} text={text} hasArrow={arrow} /> : <span className="nowrap">{text}</span>;
}

export function RMultiple({ value, arrow = false, reason }: NumberProps & { arrow?: boolean }) {
  return value == null ? <Unknown reason={reason} /> : <Signed value={value} text={formatR(value)} hasArrow={arrow} />;
}

/** `of="fraction"`: 0.01 is 1 %; `of="percent"`: 1 is 1 %. */
export function Percent({
  value,
  of,
  signed = false,
  digits = 2,
  reason,
}: NumberProps & { of: "fraction" | "percent"; signed?: boolean; digits?: number }) {
  if (value == null) return <Unknown reason={reason} />;
  const text = of === "fraction" ? formatFraction(value, signed, digits) : formatPercent(value, signed, digits);
  return signed ? <Signed value={value} text={text} hasArrow={false} /> : <span className="nowrap">{text}</span>;
}

export function Compact({ value, reason }: NumberProps) {
  if (value == null) return <Unknown reason={reason} />;
  return (
    <span className="nowrap" title={formatNumber(value, Number.isInteger(value) ? 0 : 2)}>
      {formatCompact(value)}
    </span>
  );
}

export function Count({ value, reason }: NumberProps) {
  return value == null ? <Unknown reason={reason} /> : <span className="nowrap">{formatCount(value)}</span>;
}

export function Plain({ value, digits = 2, reason }: NumberProps & { digits?: number }) {
  return value == null ? <Unknown reason={reason} /> : <span className="nowrap">{formatNumber(value, digits)}</span>;
}

export function Bps({ value, reason }: NumberProps) {
  return value == null ? <Unknown reason={reason} /> : <span className="nowrap">{formatBps(value)}</span>;
}
