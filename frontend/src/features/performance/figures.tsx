import { Tooltip } from "@mantine/core";
import {
  formatCount,
  formatDateTime,
  formatDuration,
  formatFraction,
  formatNumber,
  formatPercent,
  formatR,
  formatUsd,
} from "../../domain/format";
import { performanceText as t } from "../../texts/performance";
import { Value } from "../../ui/value";
import css from "./performance.module.css";
import type { Performance } from "./queries";

type Figure = Performance["metrics"][string];

/** A figure in the form of its unit; null: not defined. */
function figureText(name: string, figure: Figure | undefined): string | null {
  const value = figure?.value;
  if (figure === undefined || value == null) return null;
  switch (figure.unit) {
    case "USD":
      return formatUsd(value, true);
    case "R":
      return formatR(value);
    case "fraction":
      return formatFraction(value);
    case "%":
      return formatPercent(value);
    case "count":
      return formatCount(value);
    case "ms":
      return name.endsWith("_at") ? formatDateTime(value) : formatDuration(value);
    default:
      return formatNumber(value);
  }
}

export function FigureValue({ name, figure }: { name: string; figure: Figure | undefined }) {
  return <Value reason={figure ? t("figure.undefined", { text: figure.text }) : undefined}>{figureText(name, figure)}</Value>;
}

/** The figures that are looked at first. */
const tiles = [
  "total_trades",
  "win_rate",
  "average_r",
  "profit_factor",
  "expectancy_usd",
  "sqn",
  "sharpe",
  "sortino",
  "max_drawdown",
  "calmar",
  "net_profit_usd",
] as const;

export function FigureTiles({ data, compared }: { data: Performance; compared: Performance | undefined }) {
  return (
    <dl className={css.tiles}>
      {tiles.map((name) => {
        const figure = data.metrics[name];
        return (
          <div key={name} className={css.tile}>
            <dt>
              <Tooltip label={figure?.text ?? t(`tile.${name}`)}>
                <span>{t(`tile.${name}`)}</span>
              </Tooltip>
            </dt>
            <dd className={css.figure}>
              <FigureValue name={name} figure={figure} />
            </dd>
            {compared && (
              <dd className="small text-3">{t("tiles.other", { value: figureText(name, compared.metrics[name]) ?? "—" })}</dd>
            )}
          </div>
        );
      })}
    </dl>
  );
}
