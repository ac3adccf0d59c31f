import { createContext, useContext } from "react";
import { formatClock, formatDateTime, formatDuration, formatOtherZone, zoneName } from "../domain/format";
import { useNow } from "../hooks/use-now";
import { uiText as t } from "../texts/ui";
import { Value } from "./value";

/** The engine's clock as an offset and speed of the wall clock: a demo lives in the time of its recording. */
export interface EngineClock {
  /** Engine time at `wallMs`. */
  now: (wallMs: number) => number;
}
export const ClockContext = createContext<EngineClock>({ now: (wallMs) => wallMs });

export function useEngineNow(everyMs = 1000): number {
  const wall = useNow(everyMs);
  return useContext(ClockContext).now(wall);
}

const DAY_MS = 86_400_000;

/** Age of an event of the engine: relative up to 24 h, then the date; both zones in the tooltip. */
export function TimeAgo({ at, reason }: { at: number | null | undefined; reason?: string | undefined }) {
  const now = useEngineNow();
  if (at == null) return <Value reason={reason}>{null}</Value>;
  const age = now - at;
  const text =
    Math.abs(age) >= DAY_MS
      ? formatDateTime(at, { seconds: false })
      : Math.abs(age) < 1000
        ? t("age.now")
        : t(age > 0 ? "age.ago" : "age.in", { age: formatDuration(Math.abs(age)) });
  return <TimeTip at={at}>{text}</TimeTip>;
}

/** A moment as date and time (or only the clock) in the display zone, the other zone in the tooltip. */
export function Time({
  at,
  clock = false,
  millis = false,
  reason,
}: {
  at: number | null | undefined;
  clock?: boolean;
  millis?: boolean;
  reason?: string;
}) {
  if (at == null) return <Value reason={reason}>{null}</Value>;
  return <TimeTip at={at}>{clock ? formatClock(at, { millis }) : formatDateTime(at, { millis })}</TimeTip>;
}

function TimeTip({ at, children }: { at: number; children: string }) {
  return (
    <time
      dateTime={new Date(at).toISOString()}
      className="nowrap"
      title={`${formatDateTime(at)} ${zoneName()} · ${formatOtherZone(at)}`}
    >
      {children}
    </time>
  );
}

export function Duration({ ms, reason }: { ms: number | null | undefined; reason?: string }) {
  return <Value reason={reason}>{ms == null ? null : <span className="nowrap">{formatDuration(ms)}</span>}</Value>;
}
