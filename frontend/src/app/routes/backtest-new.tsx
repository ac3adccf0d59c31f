import { BackLink } from "../../features/backtests/back-link";
import { NewRun } from "../../features/backtests/new-run";
import { backtestsText as t } from "../../texts/backtests";
import { Page } from "../../ui/page";

export function BacktestNewPage() {
  return (
    <Page title={t("new.label")} tools={<BackLink />}>
      <NewRun />
    </Page>
  );
}
