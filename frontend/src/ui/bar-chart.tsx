import { useId } from "react";
import css from "./bar-chart.module.css";

interface BarItem {
  key: string;
  label: string;
  value: number;
  /** The value as text: the tooltip and what is read aloud. */
  text: string;
}

interface BarChartProps {
  summary: string;
  items: readonly BarItem[];
  height?: number;
  /** Columns stand side by side, rows lie under each other with their names. */
  form?: "columns" | "rows";
  /** Every how many columns one is named; 0: as many as fit. */
  labelEvery?: number;
}

function toneOf(value: number, label: string, isSigned: boolean): string {
  if (isSigned) return value < 0 ? "var(--down)" : "var(--up)";
  // Counts: the key may be a number below zero (a bin of losses).
  return /^[−-]/.test(label) ? "var(--down)" : "var(--up)";
}

function Columns({ items, height, labelEvery }: { items: readonly BarItem[]; height: number; labelEvery: number }) {
  const highest = Math.max(0, ...items.map(({ value }) => value));
  const lowest = Math.min(0, ...items.map(({ value }) => value));
  const span = highest - lowest || 1;
  const every = labelEvery > 0 ? labelEvery : Math.max(1, Math.ceil(items.length / 12));
  return (
    <div className={css.columns} style={{ height }}>
      {items.map((item, index) => (
        <div key={item.key} className={css.column} title={`${item.label}: ${item.text}`}>
          <div className={css.plot}>
            <div
              className={css.bar}
              style={{
                insetBlockEnd: `${((Math.min(0, item.value) - lowest) / span) * 100}%`,
                height: `${(Math.abs(item.value) / span) * 100}%`,
                background: toneOf(item.value, item.label, lowest < 0),
              }}
            />
          </div>
          <span className={css.label}>{index % every === 0 ? item.label : ""}</span>
        </div>
      ))}
    </div>
  );
}

function Rows({ items }: { items: readonly BarItem[] }) {
  const largest = Math.max(...items.map(({ value }) => Math.abs(value)), 0) || 1;
  return (
    <div className={css.rows}>
      {items.map((item) => (
        <div key={item.key} className={css.row}>
          <span className={css.name} title={item.label}>
            {item.label}
          </span>
          <span className={css.track}>
            <span
              className={css.fill}
              style={{
                width: `${(Math.abs(item.value) / largest) * 100}%`,
                background: item.value < 0 ? "var(--down)" : "var(--up)",
              }}
            />
          </span>
          <span className={css.text}>{item.text}</span>
        </div>
      ))}
    </div>
  );
}

/** Bars of counts or of signed values. The numbers are a table for those who don't see it. */
export function BarChart({ summary, items, height = 180, form = "columns", labelEvery = 0 }: BarChartProps) {
  const id = useId();
  return (
    <figure className={css.figure} aria-labelledby={id}>
      <figcaption id={id} className="visually-hidden">
        {summary}
      </figcaption>
      <div aria-hidden>
        {form === "columns" ? <Columns items={items} height={height} labelEvery={labelEvery} /> : <Rows items={items} />}
      </div>
      <ul className="visually-hidden">
        {items.map((item) => (
          <li key={item.key}>{`${item.label}: ${item.text}`}</li>
        ))}
      </ul>
    </figure>
  );
}
