import { ForeignPositions } from "../../features/positions/foreign";
import { PositionsView } from "../../features/positions/positions-view";
import { PositionsSummary } from "../../features/positions/summary";
import { frameText } from "../../texts/frame";
import { Page } from "../../ui/page";

export function PositionsPage() {
  return (
    <Page title={frameText("page.positions")}>
      <PositionsSummary />
      <PositionsView />
      <ForeignPositions />
    </Page>
  );
}
