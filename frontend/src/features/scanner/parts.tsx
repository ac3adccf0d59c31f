import type { ScanResult } from "../../api/types";
import { formatNumber, humanise } from "../../domain/format";
import { formatNeed } from "../../domain/measures";
import { filterCount } from "../../domain/scan";
import { scannerText as t } from "../../texts/scanner";
import { Badge } from "../../ui/badge";
import type { Components } from "./queries";
import css from "./scanner.module.css";

export function componentLine(name: string, component: Components[string]): string {
  return t("component.line", {
    name: humanise(name),
    contribution: formatNumber(component.contribution, 3),
    value: component.value == null ? t("unknown.component") : formatNumber(component.value, 2),
    weight: formatNumber(component.weight, 2),
  });
}

/** What each component adds (right of the middle) or takes (left of it). */
export function ComponentBar({ components, score }: { components: Components; score: number | null }) {
  const parts = Object.entries(components);
  const gains = parts.reduce((sum, [, { contribution }]) => sum + Math.max(0, contribution), 0);
  const losses = parts.reduce((sum, [, { contribution }]) => sum + Math.max(0, -contribution), 0);
  const scale = 50 / (Math.max(gains, losses) || 1);
  const lines = parts.map(([name, component]) => componentLine(name, component));
  const summary = t("component.summary", { score: formatNumber(score), parts: lines.join("; ") });
  let right = 50;
  let left = 50;
  return (
    <span className={css.components} title={lines.join("\n")}>
      <span className="visually-hidden">{summary}</span>
      {parts.map(([name, { contribution }]) => {
        const width = Math.abs(contribution) * scale;
        if (contribution < 0) left -= width;
        const start = contribution < 0 ? left : right;
        if (contribution > 0) right += width;
        return (
          <span
            key={name}
            className={css.part}
            style={{
              insetInlineStart: `${start}%`,
              width: `${width}%`,
              background: contribution < 0 ? "var(--down)" : "var(--up)",
            }}
          />
        );
      })}
      <span className={css.middle} />
    </span>
  );
}

/** As many as fit beside the count; the others are in the tooltip and on the page of the symbol. */
const CHIPS = 2;

/** n of m passed, and the failed ones with value → threshold. */
export function FilterChips({ result }: { result: ScanResult }) {
  const { passed, asked, skipped } = filterCount(withNulls(result));
  const failed = Object.entries(result.filters).filter(([, filter]) => !filter.passed && !filter.skipped);
  const chips = failed.map(([name, filter]) =>
    filter.value == null
      ? humanise(name)
      : t("filters.chip", { name: humanise(name), need: formatNeed(filter.value, filter.threshold, filter.unit) }),
  );
  return (
    <span className={css.chips}>
      <span
        className={`small ${failed.length === 0 ? "tone-up" : "text-2"}`}
        title={skipped > 0 ? t("filters.skipped", { n: skipped }) : undefined}
      >
        {t("filters.count", { passed, asked })}
      </span>
      {chips.slice(0, CHIPS).map((chip) => (
        <Badge key={chip} tone="down">
          {chip}
        </Badge>
      ))}
      {chips.length > CHIPS && (
        <Badge tone="down" title={chips.slice(CHIPS).join("\n")}>
          {t("filters.more", { n: chips.length - CHIPS })}
          <span className="visually-hidden">{chips.slice(CHIPS).join(", ")}</span>
        </Badge>
      )}
    </span>
  );
}

/** The document calls null members optional; here they are always there. */
export function withNulls(result: ScanResult) {
  const filters = Object.fromEntries(
    Object.entries(result.filters).map(([name, filter]) => [
      name,
      {
        passed: filter.passed,
        skipped: filter.skipped,
        unit: filter.unit,
        code: filter.code,
        value: filter.value ?? null,
        threshold: filter.threshold ?? null,
        distance: filter.distance ?? null,
      },
    ]),
  );
  return { passed: result.passed, failed: result.failed, filters };
}
