import { AuditList } from "../../features/audit/audit-list";
import { auditText as t } from "../../texts/audit";
import { Page } from "../../ui/page";

export function AuditPage() {
  return (
    <Page title={t("page.title")}>
      <AuditList />
    </Page>
  );
}
