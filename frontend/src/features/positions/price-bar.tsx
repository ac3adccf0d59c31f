import { type KeyboardEvent, type PointerEvent, useRef } from "react";
import type { Position } from "../../api/types";
import { formatPrice, humanise, shortSymbol } from "../../domain/format";
import { barScale, riskAt, signOf } from "../../domain/position";
import { positionsText as t } from "../../texts/positions";
import css from "./price-bar.module.css";

interface PriceBarProps {
  position: Position;
  /** A stop being moved: its handle can be dragged. */
  stop?: number | null;
  onStop?: (price: number) => void;
  /** Prices under the marks; off in a table's row. */
  hasLabels?: boolean;
}

/** A twentieth of the risk a key press. */
const KEY_STEPS = 20;

function percent(place: number): string {
  return `${(place * 100).toFixed(2)}%`;
}

/** A label at its place that stays inside the bar: the further right, the more of it lies left of the place. */
function anchor(place: number): { insetInlineStart: string; translate: string } {
  return { insetInlineStart: percent(place), translate: `${(-place * 100).toFixed(1)}% 0` };
}

/** Prices rounded to what is shown: a drag must not send digits nobody sees. */
function rounded(price: number): number {
  return Number(price.toPrecision(6));
}

function StopHandle({
  position,
  stop,
  onStop,
  bar,
}: {
  position: Position;
  stop: number;
  onStop: (price: number) => void;
  bar: React.RefObject<HTMLDivElement | null>;
}) {
  const scale = barScale(position);
  const drag = (event: PointerEvent<HTMLDivElement>): void => {
    const box = bar.current?.getBoundingClientRect();
    if (!box || box.width === 0 || !event.currentTarget.hasPointerCapture(event.pointerId)) return;
    onStop(rounded(scale.price((event.clientX - box.left) / box.width)));
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = (position.r_distance > 0 ? position.r_distance : position.entry / 100) / KEY_STEPS;
    const towardsProfit = event.key === "ArrowRight" || event.key === "ArrowUp";
    if (!towardsProfit && event.key !== "ArrowLeft" && event.key !== "ArrowDown") return;
    event.preventDefault();
    onStop(rounded(stop + (towardsProfit ? 1 : -1) * signOf(position.side) * step));
  };
  return (
    <div
      role="slider"
      tabIndex={0}
      className={css.handle}
      style={{ insetInlineStart: percent(scale.at(stop)) }}
      aria-label={t("bar.handle")}
      aria-valuemin={Math.min(scale.low, scale.high)}
      aria-valuemax={Math.max(scale.low, scale.high)}
      aria-valuenow={stop}
      aria-valuetext={formatPrice(stop)}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={drag}
      onKeyDown={onKeyDown}
    />
  );
}

/** Stop, entry, price and targets to scale; losses lie left and profits right whatever the side. */
export function PriceBar({ position, stop = null, onStop, hasLabels = false }: PriceBarProps) {
  const bar = useRef<HTMLDivElement>(null);
  const scale = barScale(position);
  const place = (price: number) => ({ insetInlineStart: percent(scale.at(price)) });
  const targets = position.targets.filter(({ state }) => state !== "cancelled");
  const last = targets.at(-1);
  const filled = targets.filter(({ state }) => state === "filled").length;
  const isWinning = position.mark !== null && signOf(position.side) * (position.mark - position.entry) >= 0;
  const from = Math.min(scale.at(position.entry), scale.at(position.mark ?? position.entry));
  const to = Math.max(scale.at(position.entry), scale.at(position.mark ?? position.entry));
  const isLocked = riskAt(position, position.stop) < 0;
  const summary = t("bar.summary", {
    side: position.side,
    symbol: shortSymbol(position.symbol),
    stop: formatPrice(position.stop, position.symbol),
    entry: formatPrice(position.entry, position.symbol),
    mark: formatPrice(position.mark, position.symbol),
    n: targets.length,
    filled,
  });
  return (
    <div className={hasLabels ? css.labelled : css.plain}>
      <span className="visually-hidden">{summary}</span>
      <div ref={bar} className={css.bar} title={hasLabels ? undefined : summary}>
        <div
          className={isLocked ? css.locked : css.risk}
          style={{
            insetInlineStart: percent(Math.min(scale.at(position.stop), scale.at(position.entry))),
            width: percent(Math.abs(scale.at(position.entry) - scale.at(position.stop))),
          }}
        />
        <div
          className={isWinning ? css.profit : css.loss}
          style={{ insetInlineStart: percent(from), width: percent(to - from) }}
        />
        <div
          className={css.stop}
          style={place(position.stop)}
          title={t("bar.stop", { price: formatPrice(position.stop, position.symbol) })}
        />
        <div
          className={css.entry}
          style={place(position.entry)}
          title={t("bar.entry", { price: formatPrice(position.entry, position.symbol) })}
        />
        {targets.map((target) => (
          <div
            key={target.level_name}
            className={`${css.target} ${target.state === "filled" ? css.filled : ""} ${target.filled_qty > 0 && target.state !== "filled" ? css.partly : ""}`}
            style={place(target.price)}
            title={t("bar.target", {
              name: target.level_name,
              price: formatPrice(target.price),
              state: humanise(target.state),
            })}
          />
        ))}
        {position.mark !== null && (
          <div
            className={css.mark}
            style={place(position.mark)}
            title={t("bar.mark", { price: formatPrice(position.mark, position.symbol) })}
          />
        )}
        {onStop && <StopHandle position={position} stop={stop ?? position.stop} onStop={onStop} bar={bar} />}
      </div>
      {hasLabels && (
        <div className={css.labels} aria-hidden>
          <span className={css.stopLabel} style={anchor(scale.at(position.stop))}>
            {t("bar.stopShort")} {formatPrice(position.stop, position.symbol)}
          </span>
          <span className={css.entryLabel} style={anchor(scale.at(position.entry))}>
            {t("bar.entryShort")} {formatPrice(position.entry, position.symbol)}
          </span>
          {last && (
            <span className={css.targetLabel} style={anchor(scale.at(last.price))}>
              {last.level_name} {formatPrice(last.price)}
            </span>
          )}
        </div>
      )}
    </div>
  );
}
