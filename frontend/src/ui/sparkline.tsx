interface SparklineProps {
  values: readonly number[];
  /** What the line shows, with its first and last value: the text for those who don't see it. */
  summary: string;
  width?: number;
  height?: number;
}

/** A line without axes. Drawn as one SVG path: a chart library for sixty points would cost more than it shows. */
export function Sparkline({ values, summary, width = 160, height = 32 }: SparklineProps) {
  const lowest = Math.min(...values);
  const span = Math.max(...values) - lowest;
  const step = values.length > 1 ? width / (values.length - 1) : 0;
  const points = values.map((value, index) => {
    const y = span === 0 ? height / 2 : height - 2 - ((value - lowest) / span) * (height - 4);
    return `${(index * step).toFixed(1)},${y.toFixed(1)}`;
  });
  const first = values[0] ?? 0;
  const last = values.at(-1) ?? 0;
  return (
    <svg
      role="img"
      aria-label={summary}
      viewBox={`0 0 ${width} ${height}`}
      width="100%"
      height={height}
      preserveAspectRatio="none"
    >
      <polyline
        points={points.join(" ")}
        fill="none"
        stroke={last >= first ? "var(--up)" : "var(--down)"}
        strokeWidth="1.5"
        strokeLinejoin="round"
        vectorEffect="non-scaling-stroke"
      />
    </svg>
  );
}
