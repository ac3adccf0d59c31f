import { Button } from "@mantine/core";
import { Link, useParams } from "@tanstack/react-router";
import { ArrowLeft } from "lucide-react";
import { PresetEditor } from "../../features/presets/preset-editor";
import { presetsText as t } from "../../texts/presets";
import { Page } from "../../ui/page";

export function PresetPage() {
  const { name = "" } = useParams({ strict: false });
  return (
    <Page
      title={name}
      tools={
        <Button component={Link} to="/presets" variant="subtle" leftSection={<ArrowLeft size={14} aria-hidden />}>
          {t("page.back")}
        </Button>
      }
    >
      <PresetEditor name={name} />
    </Page>
  );
}
