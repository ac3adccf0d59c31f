import { frameText } from "../../texts/frame";
import { Page } from "../../ui/page";

export function AuditPage() {
  return <Page title={frameText("page.audit")}>{null}</Page>;
}
