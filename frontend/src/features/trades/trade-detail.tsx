import { Link } from "@tanstack/react-router";
import type { Trade } from "../../api/types";
import { formatR, humanise } from "../../domain/format";
import { tradesText as t } from "../../texts/trades";
import { Badge } from "../../ui/badge";
import { Fact } from "../../ui/fact";
import { Panel } from "../../ui/panel";
import { Duration, Time } from "../../ui/time";
import { Bps, Count, Percent, Price, Quantity, RMultiple, Usd, Value } from "../../ui/value";
import css from "./trades.module.css";

/** Worst and best excursion around the entry, and where it ended, to scale in R. */
function Excursion({ trade }: { trade: Trade }) {
  const { mae_r: worst, mfe_r: best, pnl_r: end } = trade;
  if (worst === null || best === null) return <Value reason={t("unknown.excursion")}>{null}</Value>;
  const low = Math.min(-1, worst, end ?? 0) - 0.1;
  const high = Math.max(1, best, end ?? 0) + 0.1;
  const at = (r: number): string => `${(((r - low) / (high - low)) * 100).toFixed(2)}%`;
  const share = (r: number): string => `${((Math.abs(r) / (high - low)) * 100).toFixed(2)}%`;
  return (
    <div>
      <div className={css.excursion} aria-hidden>
        <div className={css.worst} style={{ insetInlineStart: at(Math.min(0, worst)), width: share(Math.min(0, worst)) }} />
        <div className={css.best} style={{ insetInlineStart: at(0), width: share(Math.max(0, best)) }} />
        <div className={css.zero} style={{ insetInlineStart: at(0) }} />
        {end !== null && <div className={css.end} style={{ insetInlineStart: at(end) }} />}
      </div>
      <p className="small text-2">{t("detail.excursionText", { mae: formatR(worst), mfe: formatR(best), end: formatR(end) })}</p>
    </div>
  );
}

export function TradeResult({ trade }: { trade: Trade }) {
  const { pnl_r, mfe_r } = trade;
  const kept = pnl_r === null || mfe_r === null || mfe_r <= 0 ? null : pnl_r / mfe_r;
  return (
    <Panel title={t("detail.result")} note={trade.trade_id}>
      <div className="stack">
        <div className="row">
          <span className={css.figure}>
            <RMultiple value={pnl_r} arrow reason={t("unknown.r")} />
          </span>
          <span className={css.figure}>
            <Usd value={trade.pnl_usd} signed />
          </span>
          <Badge>{humanise(trade.exit_reason)}</Badge>
        </div>
        <div>
          <span className="small text-3">{t("detail.excursion")}</span>
          <Excursion trade={trade} />
        </div>
        <dl className={css.facts}>
          <Fact name={t("detail.kept")}>
            <Percent of="fraction" value={kept} digits={0} reason={t("unknown.excursion")} />
          </Fact>
          <Fact name={t("detail.gross")}>
            <Usd value={trade.gross_usd} signed />
          </Fact>
          <Fact name={t("detail.fees")}>
            <Usd value={-trade.fees_usd} signed />
          </Fact>
          <Fact name={t("detail.funding")}>
            <Usd value={trade.funding_usd} signed />
          </Fact>
          <Fact name={t("detail.net")}>
            <Usd value={trade.pnl_usd} signed />
          </Fact>
          <Fact name={t("detail.slippageIn")} hint={t("detail.slippageHint")}>
            <Bps value={trade.slippage_entry_bps} reason={t("unknown.slippage")} />
          </Fact>
          <Fact name={t("detail.slippageOut")} hint={t("detail.slippageHint")}>
            <Bps value={trade.slippage_exit_bps} reason={t("unknown.slippage")} />
          </Fact>
        </dl>
        {trade.path_dependent && <p className="tone-warn">{t("detail.path")}</p>}
      </div>
    </Panel>
  );
}

export function TradeFacts({ trade }: { trade: Trade }) {
  return (
    <Panel title={t("detail.facts")}>
      <dl className={css.facts}>
        <Fact name={t("column.opened")}>
          <Time at={trade.opened_at} />
        </Fact>
        <Fact name={t("column.closed")}>
          <Time at={trade.closed_at} />
        </Fact>
        <Fact name={t("column.held")}>
          <Duration ms={trade.hold_ms} />
        </Fact>
        <Fact name={t("detail.bars")}>
          <Count value={trade.bars_held} />
        </Fact>
        <Fact name={t("column.entry")}>
          <Price symbol={trade.symbol} value={trade.entry} />
        </Fact>
        <Fact name={t("column.exit")}>
          <Price symbol={trade.symbol} value={trade.exit_average} />
        </Fact>
        <Fact name={t("detail.stop")}>
          <Price symbol={trade.symbol} value={trade.stop_initial} />
        </Fact>
        <Fact name={t("column.qty")}>
          <Quantity symbol={trade.symbol} value={trade.qty} />
        </Fact>
        <Fact name={t("detail.oneR")}>
          <Usd value={trade.r_usd} /> USD
        </Fact>
        <Fact name={t("column.targets")}>
          <Count value={trade.targets_filled} />
        </Fact>
        <Fact name={t("detail.addOn")}>{trade.add_on_used ? t("detail.yes") : t("detail.no")}</Fact>
        <Fact name={t("column.strategy")}>{trade.strategy}</Fact>
        <Fact name={t("column.mode")}>{trade.mode}</Fact>
        <Fact name={t("column.preset")}>
          <Link to="/presets/$name" params={{ name: trade.preset }}>
            {trade.preset}
          </Link>
        </Fact>
        <Fact name={t("detail.session")}>{trade.session_id}</Fact>
        <Fact name={t("detail.position")}>
          <Link to="/trading/positions/$id" params={{ id: trade.position_id }}>
            {trade.position_id}
          </Link>
        </Fact>
        <Fact name={t("detail.level")}>
          <Value reason={t("detail.noLevel")}>{trade.level_id}</Value>
        </Fact>
        <Fact name={t("detail.trace")}>
          <Link to="/decisions" search={{ trace: trade.trace_id } as never}>
            {trade.trace_id}
          </Link>
        </Fact>
      </dl>
    </Panel>
  );
}
