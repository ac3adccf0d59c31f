import {
  CandlestickSeries,
  createChart,
  createSeriesMarkers,
  HistogramSeries,
  type IChartApi,
  type IPriceLine,
  type ISeriesApi,
  type ISeriesMarkersPluginApi,
  type LineData,
  LineSeries,
  LineStyle,
  LineType,
  PriceScaleMode,
  type SeriesMarker,
  type Time,
  type UTCTimestamp,
  type WhitespaceData,
} from "lightweight-charts";
import { type Ref, useEffect, useImperativeHandle, useRef } from "react";
import { formatClock, formatDateTime, formatOtherZone, priceDigits, zoneName } from "../../domain/format";
import { type ChartColours, chartOptions, readChartColours, withAlpha } from "./chart-theme";
import { attachGrip, type PriceGrip } from "./grip";
import { type WallBar, WallBars } from "./wall-bars";

export interface ChartCandle {
  ts: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
}

/** A horizontal line with a label at its price. */
export interface ChartLine {
  id: string;
  price: number;
  label: string;
  tone: "up" | "down" | "accent" | "warn" | "neutral";
  style: "solid" | "dashed" | "dotted" | "thin";
  /** Without label and price on the axis: on a small chart they would cover the candles. */
  isQuiet?: boolean;
}

/** Something that happened at a time and price. */
export interface ChartMarker {
  id: string;
  ts: number;
  text: string;
  shape: "up" | "down" | "dot" | "square";
  tone: ChartLine["tone"];
  position: "above" | "below";
}

/** A line over time; null leaves a gap. */
export interface ChartCurve {
  id: string;
  label: string;
  tone: ChartLine["tone"];
  isStep?: boolean;
  isThin?: boolean;
  points: readonly { ts: number; value: number | null }[];
}

export interface ChartHandle {
  /** The picture as it is on the screen. */
  image: () => HTMLCanvasElement | null;
  fit: () => void;
}

export interface PriceChartProps {
  /** One sentence for those who don't see the picture. */
  summary: string;
  candles: readonly ChartCandle[];
  symbol: string;
  lines?: readonly ChartLine[];
  curves?: readonly ChartCurve[];
  markers?: readonly ChartMarker[];
  walls?: readonly WallBar[];
  grip?: PriceGrip | undefined;
  isLog?: boolean;
  /** Brought into the middle when it changes. */
  focusTs?: number | null;
  /** The candle under the pointer; null when there is none. */
  onHover?: (ts: number | null) => void;
  /** "dark" or "light": the colours are read anew when it changes. */
  scheme: string;
  /** Shown hours follow the display zone: changes redraw the axis. */
  zone: string;
  height?: number | string;
  ref?: Ref<ChartHandle>;
}

interface Parts {
  chart: IChartApi;
  candles: ISeriesApi<"Candlestick">;
  volume: ISeriesApi<"Histogram">;
  markers: ISeriesMarkersPluginApi<Time>;
  walls: WallBars;
  lines: IPriceLine[];
  curves: Map<string, ISeriesApi<"Line">>;
}

const seconds = (ms: number): UTCTimestamp => Math.floor(ms / 1000) as UTCTimestamp;
const millis = (time: Time): number => Number(time) * 1000;

const styles = { solid: LineStyle.Solid, dashed: LineStyle.Dashed, dotted: LineStyle.Dotted, thin: LineStyle.Solid } as const;
const shapes = { up: "arrowUp", down: "arrowDown", dot: "circle", square: "square" } as const;

function toneColour(colours: ChartColours, tone: ChartLine["tone"]): string {
  return tone === "neutral" ? colours.text : colours[tone];
}

function makeParts(element: HTMLElement, onHover: (ts: number | null) => void): Parts {
  const chart = createChart(element, { autoSize: true, layout: { attributionLogo: false } });
  const candles = chart.addSeries(CandlestickSeries, { borderVisible: false });
  const volume = chart.addSeries(HistogramSeries, {
    priceFormat: { type: "volume" },
    priceScaleId: "volume",
    lastValueVisible: false,
    priceLineVisible: false,
  });
  volume.priceScale().applyOptions({ scaleMargins: { top: 0.84, bottom: 0 }, visible: false });
  candles.priceScale().applyOptions({ scaleMargins: { top: 0.08, bottom: 0.2 } });
  const walls = new WallBars();
  candles.attachPrimitive(walls);
  chart.subscribeCrosshairMove(({ time }) => onHover(time === undefined ? null : millis(time)));
  return { chart, candles, volume, markers: createSeriesMarkers(candles, []), walls, lines: [], curves: new Map() };
}

/* setData for another series of candles, update for what comes at the end: the view does not jump. */
function showCandles(parts: Parts, candles: readonly ChartCandle[], shown: readonly ChartCandle[], colours: ChartColours): void {
  const bar = (candle: ChartCandle) => ({
    time: seconds(candle.ts),
    open: candle.open,
    high: candle.high,
    low: candle.low,
    close: candle.close,
  });
  const column = (candle: ChartCandle) => ({
    time: seconds(candle.ts),
    value: candle.volume,
    color: withAlpha(candle.close >= candle.open ? colours.up : colours.down, 0.35),
  });
  const last = shown.at(-1);
  const first = shown[0];
  const isContinued = last !== undefined && first?.ts === candles[0]?.ts && candles[shown.length - 1]?.ts === last.ts;
  if (!isContinued) {
    parts.candles.setData(candles.map(bar));
    parts.volume.setData(candles.map(column));
    return;
  }
  for (const candle of candles.slice(shown.length - 1)) {
    parts.candles.update(bar(candle));
    parts.volume.update(column(candle));
  }
}

function showLines(parts: Parts, lines: readonly ChartLine[], colours: ChartColours): void {
  for (const line of parts.lines) parts.candles.removePriceLine(line);
  parts.lines = lines.map((line) =>
    parts.candles.createPriceLine({
      price: line.price,
      color: toneColour(colours, line.tone),
      lineWidth: line.style === "thin" || line.style === "dotted" ? 1 : 2,
      lineStyle: styles[line.style],
      axisLabelVisible: line.isQuiet !== true,
      title: line.isQuiet === true ? "" : line.label,
    }),
  );
}

function showCurves(parts: Parts, curves: readonly ChartCurve[], colours: ChartColours): void {
  const wanted = new Set(curves.map(({ id }) => id));
  for (const [id, series] of parts.curves) {
    if (wanted.has(id)) continue;
    parts.chart.removeSeries(series);
    parts.curves.delete(id);
  }
  for (const curve of curves) {
    let series = parts.curves.get(curve.id);
    if (!series) {
      series = parts.chart.addSeries(LineSeries, {
        lastValueVisible: false,
        priceLineVisible: false,
        crosshairMarkerVisible: false,
      });
      parts.curves.set(curve.id, series);
    }
    series.applyOptions({
      color: toneColour(colours, curve.tone),
      lineWidth: curve.isThin ? 1 : 2,
      lineType: curve.isStep ? LineType.WithSteps : LineType.Simple,
      title: curve.label,
    });
    series.setData(
      curve.points.map(({ ts, value }): LineData | WhitespaceData =>
        value === null ? { time: seconds(ts) } : { time: seconds(ts), value },
      ),
    );
  }
}

function showMarkers(parts: Parts, markers: readonly ChartMarker[], colours: ChartColours): void {
  const sorted = [...markers].sort((a, b) => a.ts - b.ts);
  parts.markers.setMarkers(
    sorted.map(
      (marker): SeriesMarker<Time> => ({
        id: marker.id,
        time: seconds(marker.ts),
        position: marker.position === "above" ? "aboveBar" : "belowBar",
        shape: shapes[marker.shape],
        color: toneColour(colours, marker.tone),
        text: marker.text,
      }),
    ),
  );
}

function centreOn(chart: IChartApi, candles: readonly ChartCandle[], ts: number): void {
  const index = candles.findIndex((candle) => candle.ts >= ts);
  if (index < 0) return;
  const range = chart.timeScale().getVisibleLogicalRange();
  const half = range ? Math.max(20, (range.to - range.from) / 2) : 60;
  chart.timeScale().setVisibleLogicalRange({ from: index - half, to: index + half });
}

/** Candles with volume and whatever is laid over them. Zoom by wheel or pinch, pan by dragging, values at the crosshair through onHover. */
export function PriceChart(props: PriceChartProps) {
  const {
    summary,
    candles,
    symbol,
    lines,
    curves,
    markers,
    walls,
    grip,
    isLog = false,
    focusTs,
    onHover,
    scheme,
    zone,
    height = "100%",
    ref,
  } = props;
  const element = useRef<HTMLDivElement>(null);
  const parts = useRef<Parts>(null);
  const shown = useRef<readonly ChartCandle[]>([]);
  const hover = useRef(onHover);
  useEffect(() => {
    hover.current = onHover;
  }, [onHover]);

  useEffect(() => {
    if (!element.current) return undefined;
    const made = makeParts(element.current, (ts) => hover.current?.(ts));
    parts.current = made;
    shown.current = [];
    return () => {
      parts.current = null;
      made.chart.remove();
    };
  }, []);

  useImperativeHandle(ref, () => ({
    image: () => parts.current?.chart.takeScreenshot() ?? null,
    fit: () => parts.current?.chart.timeScale().fitContent(),
  }));

  useEffect(() => {
    const made = parts.current;
    if (!made || !element.current) return;
    const colours = readChartColours(element.current);
    made.chart.applyOptions(chartOptions(colours, getComputedStyle(element.current).fontFamily));
    made.chart.applyOptions({
      localization: {
        timeFormatter: (time: Time) => `${formatDateTime(millis(time))} ${zoneName()} · ${formatOtherZone(millis(time))}`,
      },
      timeScale: { tickMarkFormatter: (time: Time) => formatClock(millis(time)).slice(0, 5) },
    });
    made.candles.applyOptions({
      upColor: colours.up,
      downColor: colours.down,
      wickUpColor: colours.up,
      wickDownColor: colours.down,
    });
    shown.current = [];
  }, [scheme, zone]);

  useEffect(() => {
    const made = parts.current;
    const lastPrice = candles.at(-1)?.close;
    if (!made || !element.current) return;
    if (lastPrice !== undefined) {
      const precision = priceDigits(lastPrice, symbol);
      made.candles.applyOptions({ priceFormat: { type: "price", precision, minMove: 10 ** -precision } });
    }
    showCandles(made, candles, shown.current, readChartColours(element.current));
    shown.current = candles;
  }, [candles, symbol, scheme, zone]);

  useEffect(() => {
    if (parts.current && element.current) showLines(parts.current, lines ?? [], readChartColours(element.current));
  }, [lines, scheme]);
  useEffect(() => {
    if (parts.current && element.current) showCurves(parts.current, curves ?? [], readChartColours(element.current));
  }, [curves, scheme]);
  useEffect(() => {
    if (parts.current && element.current) showMarkers(parts.current, markers ?? [], readChartColours(element.current));
  }, [markers, scheme]);
  useEffect(() => {
    if (element.current) parts.current?.walls.set(walls ?? [], readChartColours(element.current));
  }, [walls, scheme]);
  const drop = useRef(grip?.onDrop);
  useEffect(() => {
    drop.current = grip?.onDrop;
  });
  const gripPrice = grip?.price;
  const gripLabel = grip?.label ?? "";
  useEffect(() => {
    const made = parts.current;
    if (!made || !element.current || gripPrice === undefined) return undefined;
    const held = { price: gripPrice, label: gripLabel, onDrop: (price: number) => drop.current?.(price) };
    return attachGrip(element.current, made.chart, made.candles, held, readChartColours(element.current).warn);
  }, [gripPrice, gripLabel, scheme]);
  useEffect(() => {
    parts.current?.candles.priceScale().applyOptions({ mode: isLog ? PriceScaleMode.Logarithmic : PriceScaleMode.Normal });
  }, [isLog]);
  const hasCandles = candles.length > 0;
  useEffect(() => {
    // Candles that come later are followed by the chart itself: only another focus moves the view.
    if (parts.current && focusTs != null && hasCandles) centreOn(parts.current.chart, shown.current, focusTs);
  }, [focusTs, hasCandles]);

  return <div ref={element} role="group" aria-label={summary} style={{ height, width: "100%", minHeight: 200 }} />;
}
