import { TradesView } from "../../features/trades/trades-view";
import { frameText } from "../../texts/frame";
import { Page } from "../../ui/page";

export function TradesPage() {
  return (
    <Page title={frameText("page.trades")}>
      <TradesView />
    </Page>
  );
}
