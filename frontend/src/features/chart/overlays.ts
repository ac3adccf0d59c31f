import type { Position } from "../../api/types";
import { formatR, humanise } from "../../domain/format";
import { bollinger, chandelier, ema, vwap } from "../../domain/indicators";
import { chartText as t } from "../../texts/chart";
import type { ChartCandle, ChartCurve, ChartLine, ChartMarker } from "./price-chart";
import type { Level, Marker } from "./queries";

/** What can be laid over the candles; the order is that of the menu. */
export const overlays = [
  "levels",
  "walls",
  "position",
  "stop",
  "trades",
  "signals",
  "breakouts",
  "vwap",
  "ema",
  "chandelier",
  "bollinger",
] as const;
export type Overlay = (typeof overlays)[number];
export const overlaysShownAtFirst: readonly Overlay[] = ["levels", "walls", "position", "stop", "trades", "signals"];

const levelStyles: Partial<Record<string, ChartLine["style"]>> = {
  formed: "thin",
  tested: "solid",
  broken: "dashed",
  retested: "dotted",
};

export function levelLines(levels: readonly Level[], isQuiet: boolean): ChartLine[] {
  return levels.flatMap((level): ChartLine[] => {
    const style = levelStyles[level.state];
    if (style === undefined) return [];
    const side = level.level_type === "resistance" ? t("level.resistance") : t("level.support");
    const bonus = `${level.is_round_number ? t("level.round") : ""}${level.has_cascade ? t("level.cascade") : ""}`;
    const strength = level.strength == null ? "" : ` ${Math.round(level.strength * 100)} %`;
    return [
      {
        id: level.level_id,
        price: level.price,
        label: `${side}${bonus} ×${level.touch_count}${strength}`,
        tone: level.level_type === "resistance" ? "warn" : "accent",
        style,
        isQuiet,
      },
    ];
  });
}

export function positionLines(position: Position): ChartLine[] {
  const targets = position.targets.map(
    (target): ChartLine => ({
      id: `target-${target.level_name}`,
      price: target.price,
      label:
        target.state === "filled"
          ? t("line.targetFilled", { name: target.level_name })
          : t("line.target", { name: target.level_name, r: formatR(target.reward_multiple) }),
      tone: "up",
      style: "thin",
    }),
  );
  return [
    { id: "entry", price: position.entry, label: t("line.entry"), tone: "neutral", style: "solid" },
    {
      id: "stop",
      price: position.stop,
      label: t("line.stop", { rule: humanise(position.stop_rule) }),
      tone: "down",
      style: "solid",
    },
    ...targets,
  ];
}

const looks: Record<Marker["kind"], Omit<ChartMarker, "id" | "ts" | "text"> & { overlay: Overlay }> = {
  signal: { overlay: "signals", shape: "square", tone: "warn", position: "above" },
  entry: { overlay: "trades", shape: "up", tone: "accent", position: "below" },
  fill: { overlay: "trades", shape: "dot", tone: "neutral", position: "below" },
  stop_moved: { overlay: "stop", shape: "dot", tone: "down", position: "below" },
  target: { overlay: "trades", shape: "dot", tone: "up", position: "above" },
  exit: { overlay: "trades", shape: "down", tone: "down", position: "above" },
  breakout: { overlay: "breakouts", shape: "square", tone: "accent", position: "above" },
  retest: { overlay: "breakouts", shape: "square", tone: "neutral", position: "below" },
};

const minuteOf = (ts: number): number => Math.floor(ts / 60_000);

/** Moved stops are a line of their own, and fills come many at a time: one dot stands for those of a minute, and their texts would cover the candles. A small chart has marks without texts. */
export function chartMarkers(markers: readonly Marker[], shown: ReadonlySet<Overlay>, isCompact: boolean): ChartMarker[] {
  const isFirst = (marker: Marker, index: number): boolean =>
    markers.findIndex(({ kind, ts }) => kind === marker.kind && minuteOf(ts) === minuteOf(marker.ts)) === index;
  return markers
    .filter((marker, index) => marker.kind !== "fill" || isFirst(marker, index))
    .filter(({ kind }) => kind !== "stop_moved" && shown.has(looks[kind].overlay))
    .map((marker, index) => {
      const { shape, tone, position } = looks[marker.kind];
      const isShort = marker.side === "short" && marker.kind === "entry";
      return {
        id: `${marker.id}-${marker.ts}-${index}`,
        ts: marker.ts,
        text: isCompact || marker.kind === "fill" ? "" : marker.text,
        shape: isShort ? "down" : shape,
        tone,
        position: isShort ? "above" : position,
      };
    });
}

export function indicatorCurves(
  candles: readonly ChartCandle[],
  shown: ReadonlySet<Overlay>,
  side: "long" | "short",
): ChartCurve[] {
  const curve = (id: string, label: string, tone: ChartCurve["tone"], values: readonly (number | null)[]): ChartCurve => ({
    id,
    label,
    tone,
    isThin: true,
    points: candles.map(({ ts }, index) => ({ ts, value: values[index] ?? null })),
  });
  const curves: ChartCurve[] = [];
  if (shown.has("vwap")) curves.push(curve("vwap", t("overlay.vwap"), "accent", vwap(candles, 20)));
  if (shown.has("ema")) curves.push(curve("ema", t("overlay.ema"), "warn", ema(candles, 9)));
  if (shown.has("chandelier"))
    curves.push(curve("chandelier", t("overlay.chandelier"), "down", chandelier(candles, 22, 3, side)));
  if (shown.has("bollinger")) {
    const bands = bollinger(candles, 20, 2);
    curves.push(curve("bb-upper", t("overlay.bollinger"), "neutral", bands.upper));
    curves.push(curve("bb-middle", "", "neutral", bands.middle));
    curves.push(curve("bb-lower", "", "neutral", bands.lower));
  }
  return curves;
}

/** The stop as a step line from the opening of the position to the last candle. */
export function stopCurve(
  moves: readonly { ts: number; price: number }[],
  opened: { ts: number; stop: number },
  lastTs: number,
): ChartCurve {
  const steps = [{ ts: opened.ts, value: opened.stop }, ...moves.map(({ ts, price }) => ({ ts, value: price }))];
  const last = steps.at(-1);
  const points = last && lastTs > last.ts ? [...steps, { ts: lastTs, value: last.value }] : steps;
  // One value a second at most: of moves within the same one the newest counts.
  const bySecond = new Map(points.map((point) => [Math.floor(point.ts / 1000), point]));
  return { id: "stop", label: "", tone: "down", isStep: true, points: [...bySecond.values()].sort((a, b) => a.ts - b.ts) };
}

/** Candles with the one of the feed put in its place; null when it does not continue them. */
export function withCandle<C extends ChartCandle>(candles: readonly C[], next: C): C[] | null {
  const last = candles.at(-1);
  if (!last || next.ts > last.ts) return [...candles, next];
  if (next.ts === last.ts) return [...candles.slice(0, -1), next];
  return null;
}
