import { Autocomplete, Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Check, Minus, X } from "lucide-react";
import { useState } from "react";
import { scanQuery } from "../../api/queries";
import type { Decision } from "../../api/types";
import { useRefreshOn } from "../../api/use-refresh";
import { ladderOf, type Step } from "../../domain/decisions";
import { humanise, shortSymbol, symbolSlug } from "../../domain/format";
import { decisionsText as t } from "../../texts/decisions";
import { useSearchKey } from "../../ui/keys";
import { EmptyNote, Panel } from "../../ui/panel";
import { TimeAgo } from "../../ui/time";
import css from "./decisions.module.css";
import { ChartLink, VerdictBadge } from "./parts";
import { whyKey, whyQuery } from "./queries";
import { ReasonList } from "./reasons";

const icons = { passed: Check, failed: X, none: Minus } as const;

function LadderStep({ step }: { step: Step<Decision> }) {
  const { stage, decision, verdict } = step;
  const Icon = icons[verdict];
  const look = verdict === "none" ? "" : verdict === "passed" ? css.passed : css.failed;
  return (
    <li className={css.step}>
      <div className={css.rail}>
        <span className={`${css.dot} ${look}`}>
          <Icon size={12} aria-label={t(`step.${verdict}`)} />
        </span>
      </div>
      <div className={css.stepBody}>
        {decision === null ? (
          <span className="text-3">
            {t(`stage.${stage}`)} · {t("why.notReached")}
          </span>
        ) : (
          <details open={verdict === "failed"}>
            <summary>
              <span className={css.stepHead}>
                <strong>{t(`stage.${stage}`)}</strong>
                <VerdictBadge verdict={decision.verdict} />
                <span>{humanise(decision.code)}</span>
                <span className="small text-3">
                  <TimeAgo at={decision.ts} />
                </span>
              </span>
            </summary>
            <ReasonList reasons={decision.reasons} />
            <ChartLink decision={decision} />
          </details>
        )}
      </div>
    </li>
  );
}

/** The sentence about a symbol and the ladder of its stages. */
export function WhyAnswer({ symbol }: { symbol: string }) {
  const query = useQuery(whyQuery(symbol));
  useRefreshOn(["DECISION", "SCAN_RESULT"], whyKey(symbol), (data) => {
    const about = data["symbol"];
    return typeof about !== "string" || symbolSlug(about) === symbolSlug(symbol);
  });
  return (
    <Panel
      title={t("why.ladder", { symbol: shortSymbol(symbol) })}
      query={query}
      empty={(why) => (why.latest.length > 0 ? null : { text: t("why.none", { symbol: shortSymbol(symbol) }) })}
    >
      {(why) => (
        <div className="stack">
          <p className={css.sentence}>{why.sentence}</p>
          <ol className={css.ladder}>
            {ladderOf(why.latest).map((step) => (
              <LadderStep key={step.stage} step={step} />
            ))}
          </ol>
        </div>
      )}
    </Panel>
  );
}

function Search({ symbol, onSymbol }: { symbol: string; onSymbol: (symbol: string) => void }) {
  const { data: scan } = useQuery(scanQuery);
  const [typed, setTyped] = useState(symbol);
  const input = useSearchKey();
  const ask = (next: string): void => onSymbol(symbolSlug(next.trim().toUpperCase()));
  return (
    <form
      className="row"
      onSubmit={(event) => {
        event.preventDefault();
        ask(typed);
      }}
    >
      <Autocomplete
        ref={input}
        aria-label={t("why.symbol")}
        placeholder={t("why.symbol")}
        data={[...new Set((scan?.items ?? []).map((row) => symbolSlug(row.symbol)))].sort()}
        value={typed}
        onChange={setTyped}
        onOptionSubmit={ask}
        w={200}
      />
      <Button type="submit" disabled={typed.trim() === ""}>
        {t("why.ask")}
      </Button>
    </form>
  );
}

/** Search for a symbol; the answer below. */
export function Why({ symbol, onSymbol }: { symbol: string; onSymbol: (symbol: string) => void }) {
  return (
    <div className="stack">
      <Panel title={t("why.title")}>
        <Search key={symbol} symbol={symbol} onSymbol={onSymbol} />
        {symbol === "" && <EmptyNote text={t("why.hint")} />}
      </Panel>
      {symbol !== "" && <WhyAnswer key={`answer-${symbol}`} symbol={symbol} />}
    </div>
  );
}
