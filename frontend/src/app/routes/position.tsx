import { frameText } from "../../texts/frame";
import { Page } from "../../ui/page";

export function PositionPage() {
  return <Page title={frameText("page.positions")}>{null}</Page>;
}
