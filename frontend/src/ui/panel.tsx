import { Button } from "@mantine/core";
import { type ReactNode, useEffect, useId, useState } from "react";
import { formatDuration } from "../domain/format";
import { type ApiError, toApiError } from "../domain/problem";
import { useAge } from "../hooks/use-now";
import { uiText as t } from "../texts/ui";
import { useConnection } from "./connection";
import css from "./panel.module.css";

/** What a panel needs of a query; the results of TanStack Query fit. */
export interface QueryLike<T> {
  data: T | undefined;
  error: unknown;
  isPending: boolean;
  dataUpdatedAt: number;
  refetch: () => unknown;
}

export interface EmptyState {
  /** One sentence why there is nothing. */
  text: string;
  /** The next step: a button or a link. */
  action?: ReactNode;
}

type SkeletonShape = "rows" | "chart" | "tile";

interface PanelProps<T> {
  title: string;
  /** Small text beside the title: a count, a time. */
  note?: ReactNode;
  actions?: ReactNode;
  query?: QueryLike<T> | undefined;
  /** null when there is something to show. */
  empty?: ((data: T) => EmptyState | null) | undefined;
  children: ReactNode | ((data: T) => ReactNode);
  skeleton?: SkeletonShape;
  /** How often the numbers are renewed. "feed": by the socket; a number of ms: by polling; absent: as loaded. */
  renewed?: "feed" | number;
  isFlush?: boolean;
  minHeight?: number | string;
  className?: string | undefined;
  level?: 2 | 3;
}

const STALE_MIN_MS = 10_000;
const STILL_LOADING_MS = 5_000;

export function Skeleton({ shape, name }: { shape: SkeletonShape; name: string }) {
  const [isLong, setLong] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLong(true), STILL_LOADING_MS);
    return () => clearTimeout(timer);
  }, []);
  const widths = shape === "rows" ? [92, 84, 96, 78, 88] : [100];
  return (
    <div className={css.skeleton} role="status" style={shape === "chart" ? { height: "100%" } : undefined}>
      <span className="visually-hidden">{t("panel.loading", { name })}</span>
      {isLong && <span className="small text-3">{t("panel.stillLoading")}</span>}
      {widths.map((width) => (
        <div
          key={width}
          className={[css.bone, shape === "chart" && css.boneChart, shape === "tile" && css.boneTile].filter(Boolean).join(" ")}
          style={shape === "tile" ? undefined : { width: `${width}%` }}
        />
      ))}
    </div>
  );
}

/** A failed load: what failed, its code and request id, and Retry. */
export function ErrorNote({ name, error, onRetry }: { name: string; error: ApiError; onRetry?: (() => void) | undefined }) {
  return (
    <div className={`${css.message} ${css.error}`} role="alert">
      <p className={css.errorTitle}>{t("panel.failed", { name })}</p>
      <p>{error.message}</p>
      <p className="small text-3">
        {t("panel.code", { code: error.code })}
        {error.requestId !== null && <> · {t("panel.request", { id: error.requestId })}</>}
      </p>
      {onRetry && (
        <Button variant="default" onClick={onRetry}>
          {t("panel.retry")}
        </Button>
      )}
    </div>
  );
}

export function EmptyNote({ text, action }: EmptyState) {
  return (
    <div className={css.message}>
      <p>{text}</p>
      {action}
    </div>
  );
}

function useStaleAge(query: QueryLike<unknown> | undefined, renewed: "feed" | number | undefined): number | null {
  const { isLive, lastSeenAt } = useConnection();
  const isLoaded = query?.data !== undefined && renewed !== undefined;
  const seenAt = renewed === "feed" ? (isLive ? null : lastSeenAt) : (query?.dataUpdatedAt ?? null);
  return useAge(isLoaded ? seenAt : null, typeof renewed === "number" ? Math.max(STALE_MIN_MS, 3 * renewed) : -1);
}

function PanelBody<T>({ title, query, empty, children, skeleton = "rows" }: PanelProps<T>) {
  if (query) {
    if (query.data === undefined && query.error !== null && query.error !== undefined)
      return <ErrorNote name={title} error={toApiError(query.error)} onRetry={() => void query.refetch()} />;
    if (query.data === undefined) return <Skeleton shape={skeleton} name={title} />;
    const nothing = empty?.(query.data);
    if (nothing) return <EmptyNote {...nothing} />;
    return typeof children === "function" ? children(query.data) : children;
  }
  return typeof children === "function" ? null : children;
}

/** A framed part of a page with all of its states: loading, empty, error, stale, disconnected. Other panels go on working when one fails. */
export function Panel<T = unknown>(props: PanelProps<T>) {
  const { title, note, actions, query, renewed, isFlush, minHeight, className, level = 2 } = props;
  const id = useId();
  const staleAge = useStaleAge(query, renewed);
  const isFailedRefresh = query?.data !== undefined && query.error !== null && query.error !== undefined;
  const Heading = level === 2 ? "h2" : "h3";
  return (
    <section className={[css.panel, className].filter(Boolean).join(" ")} aria-labelledby={id} style={{ minHeight }}>
      <header className={css.head}>
        <Heading id={id} className={css.title}>
          {title}
        </Heading>
        {note !== undefined && <span className={css.note}>{note}</span>}
        {staleAge !== null && (
          <span className={css.asOf}>{t("panel.asOf", { age: formatDuration(Math.max(1000, staleAge)) })}</span>
        )}
        {isFailedRefresh && <span className={css.asOf}>{toApiError(query.error).message}</span>}
        {actions !== undefined && <div className={css.actions}>{actions}</div>}
      </header>
      <div className={[css.body, isFlush && css.flush, staleAge !== null && css.stale].filter(Boolean).join(" ")}>
        <PanelBody {...props} />
      </div>
    </section>
  );
}
