import { DecisionsView, useLoadedDecisions } from "../../features/decisions/decisions-view";
import { Groups } from "../../features/decisions/groups";
import { Why } from "../../features/decisions/why";
import { useSearchState } from "../../hooks/use-search-state";
import { frameText } from "../../texts/frame";
import { Page } from "../../ui/page";

/** Why, why not: the answer for one symbol, what rejects most, and every decision. */
export function DecisionsPage() {
  const [search, setSearch] = useSearchState({
    symbol: "",
    stage: "",
    verdict: "",
    code: "",
    trace: "",
    run: "",
    from: "",
    to: "",
    sort: "-ts",
    decision: "",
    span: "60",
  });
  const loaded = useLoadedDecisions(search);
  return (
    <Page title={frameText("page.decisions")}>
      <div className="grid">
        <div className="c-6 stack">
          <Why symbol={search.symbol} onSymbol={(symbol) => setSearch({ symbol })} />
        </div>
        <div className="c-6 stack">
          <Groups
            span={search.span}
            onSpan={(span) => setSearch({ span })}
            onCode={(code) => setSearch({ code })}
            loaded={loaded}
            isRun={search.run !== ""}
          />
        </div>
        <div className="c-12">
          <DecisionsView search={search} onSearch={setSearch} />
        </div>
      </div>
    </Page>
  );
}
