import type { ReactNode } from "react";
import css from "./page.module.css";

/** A page: its heading, tools beside it, and content. Every route's component begins with it. */
export function Page({ title, tools, children }: { title: string; tools?: ReactNode; children: ReactNode }) {
  return (
    <div className={css.page}>
      <div className={css.head}>
        <h1 className={css.title}>{title}</h1>
        {tools !== undefined && <div className={css.tools}>{tools}</div>}
      </div>
      {children}
    </div>
  );
}
