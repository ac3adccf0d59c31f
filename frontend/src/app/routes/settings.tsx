import { frameText } from "../../texts/frame";
import { Page } from "../../ui/page";

export function SettingsPage() {
  return <Page title={frameText("page.settings")}>{null}</Page>;
}
