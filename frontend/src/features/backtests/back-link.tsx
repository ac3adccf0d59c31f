import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { ArrowLeft } from "lucide-react";
import { backtestsText as t } from "../../texts/backtests";

export function BackLink() {
  return (
    <Button component={Link} to="/backtests" variant="subtle" leftSection={<ArrowLeft size={14} aria-hidden />}>
      {t("back.label")}
    </Button>
  );
}
