import { frameText } from "../../texts/frame";
import { Page } from "../../ui/page";

export function EnginePage() {
  return <Page title={frameText("page.engine")}>{null}</Page>;
}
