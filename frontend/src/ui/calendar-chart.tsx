import css from "./calendar-chart.module.css";

export interface CalendarDay {
  /** yyyy-mm-dd */
  day: string;
  value: number;
  text: string;
}

const DAY_MS = 86_400_000;

interface Cell {
  day: string;
  entry: CalendarDay | undefined;
}

/* Weeks from Monday on, each of seven cells; days outside the range are empty. */
function weeksOf(days: readonly CalendarDay[]): Cell[][] {
  const known = new Map(days.map((entry) => [entry.day, entry]));
  const times = days.map(({ day }) => Date.parse(`${day}T00:00:00Z`)).filter(Number.isFinite);
  if (times.length === 0) return [];
  const first = Math.min(...times);
  const last = Math.max(...times);
  const monday = first - ((new Date(first).getUTCDay() + 6) % 7) * DAY_MS;
  const weeks: Cell[][] = [];
  for (let week = monday; week <= last; week += 7 * DAY_MS) {
    weeks.push(
      [0, 1, 2, 3, 4, 5, 6].map((offset) => {
        const day = new Date(week + offset * DAY_MS).toISOString().slice(0, 10);
        return { day, entry: known.get(day) };
      }),
    );
  }
  return weeks;
}

/** A square a day, a column a week: green days earned, red ones lost, the stronger the more. */
export function CalendarChart({ summary, days }: { summary: string; days: readonly CalendarDay[] }) {
  const largest = Math.max(...days.map(({ value }) => Math.abs(value)), 0) || 1;
  return (
    <div className={css.weeks} role="img" aria-label={summary}>
      {weeksOf(days).map((week) => (
        <div key={week[0]?.day} className={css.week}>
          {week.map(({ day, entry }) => (
            <div
              key={day}
              className={css.day}
              title={entry ? `${day}: ${entry.text}` : day}
              style={
                entry && entry.value !== 0
                  ? {
                      background: `color-mix(in srgb, var(${entry.value > 0 ? "--up" : "--down"}) ${20 + (Math.abs(entry.value) / largest) * 80}%, var(--panel-2))`,
                    }
                  : undefined
              }
            />
          ))}
        </div>
      ))}
    </div>
  );
}
