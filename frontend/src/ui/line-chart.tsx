import { ActionIcon } from "@mantine/core";
import { ChartLine, Table } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { formatDateTime } from "../domain/format";
import { uiText as t } from "../texts/ui";
import css from "./line-chart.module.css";
import { Skeleton } from "./panel";

const Canvas = lazy(() => import("./line-chart-canvas"));

type LineTone = "accent" | "up" | "down" | "warn" | "text-3";

export interface LineSeries {
  label: string;
  /** One value per time; null leaves a gap. */
  values: readonly (number | null)[];
  tone?: LineTone;
  /** Fills towards zero or the bottom. */
  isArea?: boolean;
  isDashed?: boolean;
}

export interface LineChartProps {
  /** What the chart shows: names it and its table. */
  label: string;
  /** One sentence with the figures that matter, for those who don't see the picture. */
  summary: string;
  /** Times of the points, ms, ascending. */
  times: readonly number[];
  series: readonly LineSeries[];
  format: (value: number | null | undefined) => string;
  height?: number;
  /** Charts with the same key share their crosshair. */
  syncKey?: string;
}

/* A table of a chart need not be longer than a person reads. */
const TABLE_MAX = 200;

function LineTable({ label, times, series, format }: LineChartProps) {
  const step = Math.max(1, Math.ceil(times.length / TABLE_MAX));
  const rows = times.map((at, index) => ({ at, index })).filter(({ index }) => index % step === 0 || index === times.length - 1);
  return (
    <div className={css.scroll} tabIndex={0} role="group" aria-label={label}>
      <table className={css.table} aria-label={label}>
        <thead>
          <tr>
            <th scope="col">{t("chart.time")}</th>
            {series.map((line) => (
              <th key={line.label} scope="col" className={css.end}>
                {line.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.reverse().map(({ at, index }) => (
            <tr key={at}>
              <td>{formatDateTime(at)}</td>
              {series.map((line) => (
                <td key={line.label} className={css.end}>
                  {format(line.values[index])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Lines over time: crosshair with values, dragging zooms, a double click shows all; the same as a table at a press. */
export function LineChart(props: LineChartProps) {
  const { label, summary, height = 200 } = props;
  const [isTable, setTable] = useState(false);
  const name = t(isTable ? "chart.asChart" : "chart.asTable", { name: label });
  return (
    <figure className={css.figure} aria-label={label}>
      <figcaption className="visually-hidden">{summary}</figcaption>
      <ActionIcon className={css.switch} size={24} aria-label={name} title={name} onClick={() => setTable(!isTable)}>
        {isTable ? <ChartLine size={14} aria-hidden /> : <Table size={14} aria-hidden />}
      </ActionIcon>
      <div style={{ height }}>
        {isTable ? (
          <LineTable {...props} />
        ) : (
          <Suspense fallback={<Skeleton shape="chart" name={label} />}>
            <Canvas {...props} height={height} />
          </Suspense>
        )}
      </div>
    </figure>
  );
}
