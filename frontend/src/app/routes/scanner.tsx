import { ScannerView, useScan, useScannerSearch } from "../../features/scanner/scanner-view";
import { FilterStatistics } from "../../features/scanner/statistics";
import { frameText } from "../../texts/frame";
import { Page } from "../../ui/page";

export function ScannerPage() {
  const [search, setSearch] = useScannerSearch();
  const query = useScan(search.preset, search.limit);
  return (
    <Page title={frameText("page.scanner")}>
      <ScannerView query={query} search={search} onSearch={setSearch} />
      <FilterStatistics scan={query.data ?? null} />
    </Page>
  );
}
