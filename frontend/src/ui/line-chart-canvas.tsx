import "uplot/dist/uPlot.min.css";
import { useElementSize } from "@mantine/hooks";
import { useEffect, useRef } from "react";
import uPlot from "uplot";
import { formatClock, formatDateTime, formatDay } from "../domain/format";
import { usePreferences, useScheme } from "../hooks/preferences";
import type { LineChartProps } from "./line-chart";
import css from "./line-chart.module.css";

const DAY_MS = 86_400_000;
const LEGEND_ENTRY_PX = 150;
const LEGEND_ROW_PX = 22;
// The right side of the library's const enum, which exists in its types only.
// eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment
const RIGHT: uPlot.Axis.Side = 1;

function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function axis(patch: uPlot.Axis): uPlot.Axis {
  const grid = { stroke: token("grid"), width: 1 };
  return { stroke: token("text-3"), grid, ticks: { ...grid, size: 4 }, font: `11px ${token("font")}`, ...patch };
}

/** Ticks of the time axis in the display zone. */
function timeTicks(span: number): (self: uPlot, splits: number[]) => string[] {
  return (_self, splits) =>
    splits.map((at) => (span > 3 * DAY_MS ? formatDay(at).slice(5) : formatClock(at, { seconds: false })));
}

function optionsOf({ times, series, format, syncKey }: LineChartProps, width: number, height: number): uPlot.Options {
  const span = (times.at(-1) ?? 0) - (times[0] ?? 0);
  return {
    width,
    height,
    ms: 1,
    padding: [10, 8, 0, 0],
    legend: { show: true, live: true },
    cursor: {
      y: false,
      points: { size: 6 },
      drag: { x: true, y: false },
      ...(syncKey === undefined ? {} : { sync: { key: syncKey } }),
    },
    scales: { x: { time: true } },
    axes: [
      axis({ values: timeTicks(span), size: 26 }),
      axis({ values: (_self, splits) => splits.map((value) => format(value)), size: 72, side: RIGHT }),
    ],
    series: [
      { label: "", value: (_self, at) => formatDateTime(at) },
      ...series.map((line): uPlot.Series => {
        const colour = token(line.tone ?? "accent");
        return {
          label: line.label,
          stroke: colour,
          width: 1.5,
          points: { show: times.length < 3 },
          value: (_self, value: number | null) => format(value),
          ...(line.isArea ? { fill: `${colour}26` } : {}),
          ...(line.isDashed ? { dash: [4, 4] } : {}),
        };
      }),
    ],
  };
}

/* Its own chunk: the library comes with the first chart on a page. */
export default function LineChartCanvas(props: LineChartProps) {
  const { times, series, height = 200 } = props;
  const { ref, width } = useElementSize<HTMLDivElement>();
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const scheme = useScheme();
  const { zone, numbers, palette } = usePreferences();
  const latest = useRef(props);
  useEffect(() => {
    latest.current = props;
  });
  const shape = series.map((line) => `${line.label}/${line.tone ?? ""}`).join("|");

  // The chart is made anew only when its look changes; new points are put into the one there is.
  useEffect(() => {
    if (!host.current || width === 0) return;
    const { times: at, series: lines } = latest.current;
    const made = new uPlot(
      optionsOf(latest.current, width, 0),
      [at as number[], ...lines.map((line) => line.values as number[])],
      host.current,
    );
    chart.current = made;
    return () => {
      made.destroy();
      chart.current = null;
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [width === 0, scheme, zone, numbers, palette, shape]);
  useEffect(() => {
    // The legend is laid out later than this runs: its rows follow from what has room beside each other.
    const rows = Math.ceil(((series.length + 1) * LEGEND_ENTRY_PX) / width);
    if (width > 0) chart.current?.setSize({ width, height: Math.max(60, height - rows * LEGEND_ROW_PX) });
  }, [width, height, scheme, zone, numbers, palette, shape, series.length]);
  useEffect(() => {
    chart.current?.setData([times as number[], ...series.map((line) => line.values as number[])]);
  }, [times, series]);
  return (
    <div ref={ref} className={css.canvas}>
      <div ref={host} aria-hidden />
    </div>
  );
}
