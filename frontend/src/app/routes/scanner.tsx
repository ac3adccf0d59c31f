import { frameText } from "../../texts/frame";
import { Page } from "../../ui/page";

export function ScannerPage() {
  return <Page title={frameText("page.scanner")}>{null}</Page>;
}
