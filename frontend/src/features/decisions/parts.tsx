import { Link } from "@tanstack/react-router";
import { ChartCandlestick } from "lucide-react";
import type { Decision } from "../../api/types";
import { shortSymbol, symbolSlug, type Tone } from "../../domain/format";
import { decisionsText as t } from "../../texts/decisions";
import { Badge } from "../../ui/badge";

const tones: Record<Decision["verdict"], Tone> = { passed: "up", rejected: "down", refused: "warn", skipped: "neutral" };

export function VerdictBadge({ verdict }: { verdict: Decision["verdict"] }) {
  return <Badge tone={tones[verdict]}>{verdict}</Badge>;
}

/** The chart at the candle that was decided about. */
export function ChartLink({ decision }: { decision: Decision }) {
  const symbol = shortSymbol(decision.symbol);
  return (
    <Link
      to="/chart/$symbol"
      params={{ symbol: symbolSlug(decision.symbol) }}
      search={{ at: decision.candle_ts ?? decision.ts } as never}
      aria-label={t("list.chartAt", { symbol })}
      title={t("list.chartAt", { symbol })}
      className="row-tight"
    >
      <ChartCandlestick size={14} aria-hidden />
      {t("list.chart")}
    </Link>
  );
}
