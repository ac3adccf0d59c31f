import { frameText } from "../../texts/frame";
import { Page } from "../../ui/page";

export function ChartPage() {
  return <Page title={frameText("page.chart")}>{null}</Page>;
}
