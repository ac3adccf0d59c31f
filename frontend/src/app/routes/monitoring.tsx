import { SegmentedControl } from "@mantine/core";
import { getConfig } from "../../config";
import { Dashboards } from "../../features/monitoring/dashboards";
import { FeedHealth } from "../../features/monitoring/feed-health";
import { HealthList } from "../../features/monitoring/health";
import { Machines } from "../../features/monitoring/machines";
import { Overview } from "../../features/monitoring/overview";
import { Resources } from "../../features/monitoring/resources";
import { useSearchState } from "../../hooks/use-search-state";
import { monitoringText as t } from "../../texts/monitoring";
import { Page } from "../../ui/page";

const tabs = ["overview", "machines", "resources", "feed", "health", "dashboards"] as const;
function GrafanaDashboards() {
  const [search, setSearch] = useSearchState({ dashboard: "" });
  return (
    <Dashboards grafanaUrl={getConfig().grafanaUrl} shown={search.dashboard} onShow={(uid) => setSearch({ dashboard: uid })} />
  );
}

const parts = {
  overview: Overview,
  machines: Machines,
  resources: Resources,
  feed: FeedHealth,
  health: HealthList,
  dashboards: GrafanaDashboards,
};

export function MonitoringPage() {
  const [search, setSearch] = useSearchState({ tab: "overview" });
  const tab = tabs.find((word) => word === search.tab) ?? "overview";
  const Part = parts[tab];
  return (
    <Page
      title={t("page.title")}
      tools={
        <SegmentedControl
          aria-label={t("tab.label")}
          data={tabs.map((word) => ({ value: word, label: t(`tab.${word}`) }))}
          value={tab}
          onChange={(next) => setSearch({ tab: next })}
        />
      }
    >
      <Part />
    </Page>
  );
}
