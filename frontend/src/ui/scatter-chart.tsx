import css from "./scatter-chart.module.css";

interface ScatterPoint {
  key: string;
  x: number;
  y: number;
  tone: "up" | "down";
  label: string;
}

interface ScatterChartProps {
  summary: string;
  points: readonly ScatterPoint[];
  xName: string;
  yName: string;
  format: (value: number) => string;
  height?: number;
}

const WIDTH = 480;
const MARGIN = { left: 44, right: 8, top: 8, bottom: 28 };

function range(values: readonly number[]): [number, number] {
  const low = Math.min(0, ...values);
  const high = Math.max(0, ...values);
  return low === high ? [low - 1, high + 1] : [low, high];
}

/** Points of two values each, with lines at zero. */
export function ScatterChart({ summary, points, xName, yName, format, height = 240 }: ScatterChartProps) {
  const [x0, x1] = range(points.map(({ x }) => x));
  const [y0, y1] = range(points.map(({ y }) => y));
  const left = (x: number): number => MARGIN.left + ((x - x0) / (x1 - x0)) * (WIDTH - MARGIN.left - MARGIN.right);
  const top = (y: number): number => MARGIN.top + ((y1 - y) / (y1 - y0)) * (height - MARGIN.top - MARGIN.bottom);
  return (
    <svg className={css.chart} viewBox={`0 0 ${WIDTH} ${height}`} role="img" aria-label={summary}>
      <line x1={MARGIN.left} x2={WIDTH - MARGIN.right} y1={top(0)} y2={top(0)} className={css.axis} />
      <line x1={left(0)} x2={left(0)} y1={MARGIN.top} y2={height - MARGIN.bottom} className={css.axis} />
      {points.map((point) => (
        <circle key={point.key} cx={left(point.x)} cy={top(point.y)} r={3} fill={`var(--${point.tone})`} fillOpacity={0.7}>
          <title>{point.label}</title>
        </circle>
      ))}
      <text x={MARGIN.left} y={height - 14} className={css.text}>
        {format(x0)}
      </text>
      <text x={WIDTH - MARGIN.right} y={height - 14} className={css.text} textAnchor="end">
        {format(x1)}
      </text>
      <text x={WIDTH / 2} y={height - 2} className={css.text} textAnchor="middle">
        {xName}
      </text>
      <text x={MARGIN.left - 4} y={MARGIN.top + 8} className={css.text} textAnchor="end">
        {format(y1)}
      </text>
      <text x={MARGIN.left - 4} y={height - MARGIN.bottom} className={css.text} textAnchor="end">
        {format(y0)}
      </text>
      <text x={12} y={height / 2} className={css.text} textAnchor="middle" transform={`rotate(-90 12 ${height / 2})`}>
        {yName}
      </text>
    </svg>
  );
}
