import type { Decision } from "../../api/types";
import { sentenceOf } from "../../domain/candidates";
import { humanise } from "../../domain/format";
import { decisionsText as t } from "../../texts/decisions";
import { Panel } from "../../ui/panel";
import { Time } from "../../ui/time";
import css from "./decisions.module.css";
import { ChartLink, VerdictBadge } from "./parts";
import { ReasonList } from "./reasons";

/** Decisions of a position, a trade or a symbol, newest first; each opens to every reason that was evaluated. */
export function DecisionList({ decisions, title = t("list.of") }: { decisions: readonly Decision[]; title?: string }) {
  const sorted = [...decisions].sort((a, b) => b.ts - a.ts);
  return (
    <Panel
      title={title}
      note={sorted.length}
      isFlush
      query={{ data: sorted, error: null, isPending: false, dataUpdatedAt: 0, refetch: () => undefined }}
      empty={(rows) => (rows.length > 0 ? null : { text: t("list.noMatch") })}
    >
      {(rows) => (
        <ul>
          {rows.map((decision) => (
            <li key={decision.decision_id} className={css.entry}>
              <details>
                <summary>
                  <span className="small text-3">
                    <Time at={decision.ts} />
                  </span>
                  <strong>{t(`stage.${decision.stage}`)}</strong>
                  <VerdictBadge verdict={decision.verdict} />
                  <span className="nowrap">{humanise(decision.code)}</span>
                  <span className={css.text}>{sentenceOf(decision)}</span>
                </summary>
                <div className={css.open}>
                  <ReasonList reasons={decision.reasons} />
                  <ChartLink decision={decision} />
                </div>
              </details>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
