import { frameText } from "../../texts/frame";
import { Page } from "../../ui/page";

export function AlertsPage() {
  return <Page title={frameText("page.alerts")}>{null}</Page>;
}
