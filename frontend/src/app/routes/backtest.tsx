import { useParams } from "@tanstack/react-router";
import { BackLink } from "../../features/backtests/back-link";
import { RunView } from "../../features/backtests/run-view";
import { PerformanceView } from "../../features/performance/performance-view";
import { Page } from "../../ui/page";

export function BacktestPage() {
  const { id = "" } = useParams({ strict: false });
  return (
    <Page title={id} tools={<BackLink />}>
      <RunView id={id} performance={(run) => <PerformanceView scope={{ run_id: run.run_id }} />} />
    </Page>
  );
}
