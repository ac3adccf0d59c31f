import type { ReactNode } from "react";
import type { Tone } from "../domain/format";
import css from "./badge.module.css";

interface BadgeProps {
  tone?: Tone | undefined;
  /** Filled: for what must be seen at once (mode LIVE, HALTED). */
  solid?: "down" | "info" | undefined;
  dot?: boolean;
  title?: string | undefined;
  children: ReactNode;
}

export function Badge({ tone = "neutral", solid, dot = false, title, children }: BadgeProps) {
  const look = solid === "down" ? css.solidDown : solid === "info" ? css.solidInfo : css[tone];
  return (
    <span className={`${css.badge} ${look}`} title={title}>
      {dot && <span className={css.dot} aria-hidden />}
      {children}
    </span>
  );
}
