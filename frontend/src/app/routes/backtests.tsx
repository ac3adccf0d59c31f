import { Tabs } from "@mantine/core";
import { RunList } from "../../features/backtests/run-list";
import { DatasetList } from "../../features/datasets/dataset-list";
import { useSearchState } from "../../hooks/use-search-state";
import { backtestsText as t } from "../../texts/backtests";
import { frameText } from "../../texts/frame";
import { Page } from "../../ui/page";

export function BacktestsPage() {
  const [{ tab }, setSearch] = useSearchState({ tab: "runs" });
  const chosen = tab === "datasets" ? "datasets" : "runs";
  return (
    <Page title={frameText("page.backtests")}>
      <Tabs value={chosen} onChange={(next) => setSearch({ tab: next ?? "runs" })} keepMounted={false}>
        <Tabs.List aria-label={t("tab.label")}>
          <Tabs.Tab value="runs">{t("tab.runs")}</Tabs.Tab>
          <Tabs.Tab value="datasets">{t("tab.datasets")}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value={chosen} pt="sm">
          {chosen === "runs" ? <RunList /> : <DatasetList />}
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}
