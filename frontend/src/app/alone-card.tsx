import type { ReactNode } from "react";
import { frameText as t } from "../texts/frame";
import css from "./alone-card.module.css";

/** A page without the frame: login and setup. */
export function AloneCard({ title, children }: { title: string; children: ReactNode }) {
  return (
    <main className={css.page}>
      <div className={css.card}>
        <p className={css.product}>
          <img src="/icon-running.svg" alt="" width={24} height={24} />
          {t("product")}
        </p>
        <h1 className={css.title}>{title}</h1>
        {children}
      </div>
    </main>
  );
}
