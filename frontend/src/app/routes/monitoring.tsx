import { Button, SegmentedControl } from "@mantine/core";
import { apiUrl } from "../../api/client";
import { FeedHealth } from "../../features/monitoring/feed-health";
import { HealthList } from "../../features/monitoring/health";
import { Machines } from "../../features/monitoring/machines";
import { Overview } from "../../features/monitoring/overview";
import { Resources } from "../../features/monitoring/resources";
import { useSearchState } from "../../hooks/use-search-state";
import { monitoringText as t } from "../../texts/monitoring";
import { Page } from "../../ui/page";
import { EmptyNote, Panel } from "../../ui/panel";

const tabs = ["overview", "machines", "resources", "feed", "health", "dashboards"] as const;
const METRICS = "/api/metrics";

function Dashboards() {
  return (
    <Panel title={t("dashboards.title")}>
      <EmptyNote
        text={t("dashboards.text", { path: METRICS })}
        action={
          <Button component="a" variant="default" href={apiUrl(METRICS)} target="_blank" rel="noreferrer">
            {t("dashboards.open")}
          </Button>
        }
      />
    </Panel>
  );
}

const parts = {
  overview: Overview,
  machines: Machines,
  resources: Resources,
  feed: FeedHealth,
  health: HealthList,
  dashboards: Dashboards,
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
