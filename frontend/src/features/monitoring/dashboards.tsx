import { Button, useComputedColorScheme } from "@mantine/core";
import { apiUrl } from "../../api/client";
import { monitoringText as t } from "../../texts/monitoring";
import { EmptyNote, Panel } from "../../ui/panel";
import css from "./monitoring.module.css";

/** The dashboards that monitoring/grafana provisions, by their uid. */
export const dashboards = [
  { uid: "breakout-trading", name: "trading" },
  { uid: "breakout-risk", name: "risk" },
  { uid: "breakout-system", name: "system" },
  { uid: "breakout-engine", name: "engine" },
  { uid: "breakout-execution", name: "execution" },
  { uid: "breakout-node", name: "node" },
] as const;

const METRICS = "/api/metrics";

function Figures() {
  return (
    <Button component="a" variant="default" href={apiUrl(METRICS)} target="_blank" rel="noreferrer">
      {t("dashboards.open")}
    </Button>
  );
}

interface DashboardsProps {
  /** Address of Grafana without a slash at its end; "": the server was not told one. */
  grafanaUrl: string;
  /** The dashboard that is shown inside the page; "": none. */
  shown: string;
  onShow: (uid: string) => void;
}

/** Links to Grafana's dashboards, and one of them inside the page. Grafana asks for its own login. */
export function Dashboards({ grafanaUrl, shown, onShow }: DashboardsProps) {
  const scheme = useComputedColorScheme("dark");
  const inside = dashboards.find(({ uid }) => uid === shown);
  if (grafanaUrl === "")
    return (
      <Panel title={t("dashboards.title")}>
        <EmptyNote text={t("dashboards.none", { path: METRICS })} action={<Figures />} />
      </Panel>
    );
  return (
    <>
      <Panel title={t("dashboards.title")} note={t("dashboards.note", { url: grafanaUrl })} actions={<Figures />}>
        <ul className={css.dashboards}>
          {dashboards.map(({ uid, name }) => (
            <li key={uid} className={css.step}>
              <a href={`${grafanaUrl}/d/${uid}`} target="_blank" rel="noreferrer">
                {t(`dashboards.${name}`)}
              </a>
              <span className="small text-2">{t(`dashboards.${name}Text`)}</span>
              <Button
                size="compact-sm"
                variant="default"
                aria-pressed={uid === shown}
                aria-label={t(uid === shown ? "dashboards.hideName" : "dashboards.showName", { name: t(`dashboards.${name}`) })}
                onClick={() => onShow(uid === shown ? "" : uid)}
              >
                {t(uid === shown ? "dashboards.hide" : "dashboards.show")}
              </Button>
            </li>
          ))}
        </ul>
      </Panel>
      {inside && (
        <Panel title={t(`dashboards.${inside.name}`)} note={t("dashboards.inside")} isFlush>
          <iframe
            className={css.frame}
            title={t(`dashboards.${inside.name}`)}
            src={`${grafanaUrl}/d/${inside.uid}?kiosk&theme=${scheme}`}
            referrerPolicy="no-referrer"
          />
        </Panel>
      )}
    </>
  );
}
