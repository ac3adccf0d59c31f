import { Controls, LifeCycles, Operations, SkippedFilters, Tiles, Transitions } from "../../features/engine/panels";
import { SessionPanel } from "../../features/engine/session-panel";
import { useSearchState } from "../../hooks/use-search-state";
import { frameText } from "../../texts/frame";
import { Page } from "../../ui/page";

export function EnginePage() {
  const [choice, setChoice] = useSearchState({ preset: "", mode: "paper" });
  return (
    <Page title={frameText("page.engine")}>
      <div className="grid">
        <SessionPanel choice={choice} onChoice={setChoice} />
        <Controls />
        <Tiles />
        <LifeCycles />
        <Operations />
        <Transitions />
        <SkippedFilters />
      </div>
    </Page>
  );
}
