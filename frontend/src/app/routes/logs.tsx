import { frameText } from "../../texts/frame";
import { Page } from "../../ui/page";

export function LogsPage() {
  return <Page title={frameText("page.logs")}>{null}</Page>;
}
