import { PresetList } from "../../features/presets/preset-list";
import { frameText } from "../../texts/frame";
import { Page } from "../../ui/page";

export function PresetsPage() {
  return (
    <Page title={frameText("page.presets")}>
      <PresetList />
    </Page>
  );
}
