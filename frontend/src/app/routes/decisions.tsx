import { frameText } from "../../texts/frame";
import { Page } from "../../ui/page";

export function DecisionsPage() {
  return <Page title={frameText("page.decisions")}>{null}</Page>;
}
