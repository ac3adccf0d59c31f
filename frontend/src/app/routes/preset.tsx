import { frameText } from "../../texts/frame";
import { Page } from "../../ui/page";

export function PresetPage() {
  return <Page title={frameText("page.presets")}>{null}</Page>;
}
