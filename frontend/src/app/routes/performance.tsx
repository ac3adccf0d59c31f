import { frameText } from "../../texts/frame";
import { Page } from "../../ui/page";

export function PerformancePage() {
  return <Page title={frameText("page.performance")}>{null}</Page>;
}
