import { frameText } from "../../texts/frame";
import { Page } from "../../ui/page";

export function TradePage() {
  return <Page title={frameText("page.trades")}>{null}</Page>;
}
