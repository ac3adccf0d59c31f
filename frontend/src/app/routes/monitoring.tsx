import { frameText } from "../../texts/frame";
import { Page } from "../../ui/page";

export function MonitoringPage() {
  return <Page title={frameText("page.monitoring")}>{null}</Page>;
}
