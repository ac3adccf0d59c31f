import { frameText } from "../../texts/frame";
import { Page } from "../../ui/page";

export function ScannerSymbolPage() {
  return <Page title={frameText("page.scanner")}>{null}</Page>;
}
