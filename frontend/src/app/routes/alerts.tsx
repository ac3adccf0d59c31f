import { AlertList } from "../../features/alerts/alert-list";
import { RuleList } from "../../features/alerts/rule-list";
import { alertsText as t } from "../../texts/alerts";
import { Page } from "../../ui/page";

export function AlertsPage() {
  return (
    <Page title={t("page.title")}>
      <AlertList />
      <RuleList />
    </Page>
  );
}
