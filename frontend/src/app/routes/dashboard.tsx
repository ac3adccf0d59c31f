import { frameText } from "../../texts/frame";
import { Page } from "../../ui/page";

export function DashboardPage() {
  return <Page title={frameText("page.dashboard")}>{null}</Page>;
}
