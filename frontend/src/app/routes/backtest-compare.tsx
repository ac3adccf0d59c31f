import { BackLink } from "../../features/backtests/back-link";
import { CompareView } from "../../features/backtests/compare-view";
import { backtestsText as t } from "../../texts/backtests";
import { Page } from "../../ui/page";

export function BacktestComparePage() {
  return (
    <Page title={t("compare.title")} tools={<BackLink />}>
      <CompareView />
    </Page>
  );
}
