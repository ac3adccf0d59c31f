import { Checkbox } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { Position } from "../../api/types";
import { humanise, shortSymbol } from "../../domain/format";
import { positionsText as t } from "../../texts/positions";
import { uiText } from "../../texts/ui";
import { Badge } from "../../ui/badge";
import { TimeAgo } from "../../ui/time";
import { Plain, Price, Quantity, RMultiple, Usd } from "../../ui/value";
import { PositionActions } from "./actions";
import { SideBadge } from "../../ui/columns";
import { ProtectedMark, StopRule } from "./parts";
import css from "./positions.module.css";
import { PriceBar } from "./price-bar";

/** Result, bar, stop and size of a position with everything that can be done with it. */
export function PositionBody({ position }: { position: Position }) {
  return (
    <>
      <div className={css.result}>
        <span className={css.figure}>
          <RMultiple value={position.pnl_r} arrow reason={t("unknown.r")} />
        </span>
        <span className={css.figure}>
          <Usd value={position.pnl_usd} signed reason={t("unknown.result")} />
        </span>
        <span className="small text-3">USD</span>
        <span className={css.end}>
          <ProtectedMark position={position} />
        </span>
      </div>
      <PriceBar position={position} hasLabels />
      <dl className={css.facts}>
        <div>
          <dt>{t("column.mark")}</dt>
          <dd>
            <Price symbol={position.symbol} value={position.mark} reason={t("unknown.mark")} />
          </dd>
        </div>
        <div>
          <dt>{t("column.rule")}</dt>
          <dd>
            <StopRule position={position} />
          </dd>
        </div>
        <div>
          <dt>{t("column.qty")}</dt>
          <dd>
            <Quantity symbol={position.symbol} value={position.qty} />
          </dd>
        </div>
        <div>
          <dt>{t("column.notional")}</dt>
          <dd>
            <Usd value={position.notional_usd} reason={t("unknown.notional")} />
          </dd>
        </div>
        <div>
          <dt>{t("column.leverage")}</dt>
          <dd>
            <Plain value={position.leverage} digits={1} reason={t("unknown.leverage")} />
          </dd>
        </div>
      </dl>
      <PositionActions position={position} />
    </>
  );
}

interface PositionCardProps {
  position: Position;
  isSelected: boolean;
  onSelect: () => void;
  onFocus: () => void;
}

export function PositionCard({ position, isSelected, onSelect, onFocus }: PositionCardProps) {
  const symbol = shortSymbol(position.symbol);
  return (
    <li className={`${css.card} ${isSelected ? css.selected : ""}`} data-key={position.position_id} onFocus={onFocus}>
      <div className={css.cardHead}>
        <Checkbox aria-label={uiText("table.select", { name: symbol })} checked={isSelected} onChange={onSelect} />
        <Link to="/trading/positions/$id" params={{ id: position.position_id }} className={css.symbol} data-card-link>
          {symbol}
        </Link>
        <SideBadge side={position.side} />
        <Badge>{humanise(position.state)}</Badge>
        <span className="small text-3">
          {position.strategy} · <TimeAgo at={position.opened_at} />
        </span>
      </div>
      <PositionBody position={position} />
    </li>
  );
}
