import { LogFiles } from "../../features/logs/log-files";
import { LogList } from "../../features/logs/log-list";
import { logsText as t } from "../../texts/logs";
import { Page } from "../../ui/page";

export function LogsPage() {
  return (
    <Page title={t("page.title")}>
      <LogList />
      <LogFiles />
    </Page>
  );
}
