import { formatFraction } from "../domain/format";
import { uiText as t } from "../texts/ui";
import css from "./bar.module.css";

/** How much of a limit is used: 0 to 1; amber from 0.75, red from 0.9. */
export function LimitBar({ name, used, mark }: { name: string; used: number | null | undefined; mark?: number | undefined }) {
  const share = Math.min(1, Math.max(0, used ?? 0));
  const tone = share >= 0.9 ? css.down : share >= 0.75 ? css.warn : "";
  const text = t("bar.of", { name, percent: formatFraction(used, false, 0) });
  return (
    <div
      className={css.track}
      role="meter"
      aria-label={name}
      aria-valuenow={Math.round(share * 100)}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuetext={text}
      title={text}
    >
      <div className={`${css.fill} ${tone}`} style={{ width: `${share * 100}%` }} />
      {mark !== undefined && <div className={css.mark} style={{ insetInlineStart: `${mark * 100}%` }} />}
    </div>
  );
}
