import { frameText } from "../../texts/frame";
import { Page } from "../../ui/page";

export function BacktestNewPage() {
  return <Page title={frameText("page.backtests")}>{null}</Page>;
}
