import { frameText } from "../../texts/frame";
import { Page } from "../../ui/page";

export function PresetsPage() {
  return <Page title={frameText("page.presets")}>{null}</Page>;
}
