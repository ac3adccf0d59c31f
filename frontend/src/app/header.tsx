import { ActionIcon, Button, Menu, Tooltip } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Bell, LogOut, Menu as MenuIcon, Moon, Search, Settings, ShieldAlert, Sun, User as UserIcon } from "lucide-react";
import { useFeedState } from "../api/live";
import { alertsQuery, engineQuery, riskQuery } from "../api/queries";
import { logout, meQuery } from "../api/session";
import type { EngineStatus, RiskSummary } from "../api/types";
import { useCommandHost } from "../commands/host";
import { modeOf, stateTone } from "../domain/engine";
import { formatClock, formatDuration, formatNumber, humanise, zoneName } from "../domain/format";
import { useScheme } from "../hooks/preferences";
import { useNow } from "../hooks/use-now";
import { frameText as t } from "../texts/frame";
import { Badge } from "../ui/badge";
import { LimitBar } from "../ui/bar";
import { useConnection } from "../ui/connection";
import { useEngineNow } from "../ui/time";
import { toastFailed } from "../ui/toast";
import { RMultiple, Usd, Value } from "../ui/value";
import css from "./header.module.css";

function ModeBadge({ engine }: { engine: EngineStatus }) {
  const mode = modeOf(engine);
  const hint = mode === "demo" ? t("mode.demoHint", { speed: formatNumber(engine.speed ?? 1, 0) }) : t(`mode.${mode}Hint`);
  const look =
    mode === "live" || mode === "halted"
      ? ({ solid: "down" } as const)
      : mode === "paper"
        ? ({ solid: "info" } as const)
        : { tone: mode === "demo" ? ("warn" as const) : ("neutral" as const) };
  return (
    <Badge {...look} title={hint}>
      {t(`mode.${mode}`)}
    </Badge>
  );
}

/** Demo and halted at once: both are said. */
function Mode({ engine }: { engine: EngineStatus }) {
  return (
    <span className={css.mode}>
      <ModeBadge engine={engine} />
      {modeOf(engine) === "halted" && engine.demo && <Badge tone="warn">{t("mode.demo")}</Badge>}
      <Badge tone={stateTone(engine.session_state)} dot>
        {humanise(engine.state)}
      </Badge>
    </span>
  );
}

function Figures({ engine, risk }: { engine: EngineStatus; risk: RiskSummary | undefined }) {
  return (
    <dl className={css.figures}>
      <div className={css.preset}>
        <dt>{t("header.preset")}</dt>
        <dd>
          <Value reason={t("mode.noneHint")}>{engine.preset}</Value>
        </dd>
      </div>
      <div>
        <dt>{t("header.equity")}</dt>
        <dd>
          <Usd value={risk?.equity_usd} />
        </dd>
      </div>
      <div>
        <dt>{t("header.dayPnl")}</dt>
        <dd className={css.pair}>
          <Usd value={risk?.day_pnl_usd} signed arrow />
          <span className={css.second}>
            <RMultiple value={risk?.daily_r} />
          </span>
        </dd>
      </div>
      <div className={css.limit}>
        <dt>{t("header.dayLimit")}</dt>
        <dd>
          {risk?.day_loss_used == null ? (
            <Value reason={risk ? t("header.dayLimitUnset") : undefined}>{null}</Value>
          ) : (
            <LimitBar name={t("header.dayLimit")} used={risk.day_loss_used} />
          )}
        </dd>
      </div>
    </dl>
  );
}

const CONNECTION_TONES = {
  connected: "up",
  stale: "warn",
  connecting: "neutral",
  disconnected: "down",
  polling: "warn",
} as const;

function ConnectionBadge() {
  const { status, delayMs, lastFrameAt, retryAt } = useFeedState();
  const now = useNow(1000);
  const lines = [
    lastFrameAt === null ? t("connection.never") : t("connection.last", { age: formatDuration(Math.max(0, now - lastFrameAt)) }),
    ...(delayMs === null ? [] : [t("connection.delay", { ms: delayMs })]),
    ...(retryAt === null ? [] : [t("connection.retry", { seconds: Math.max(0, Math.ceil((retryAt - now) / 1000)) })]),
  ];
  return (
    <Tooltip label={lines.join(" · ")}>
      <span
        tabIndex={0}
        role="status"
        aria-label={`${t(`connection.${status}`)}, ${lines.join(", ")}`}
        className={css.connection}
        data-testid="connection"
      >
        <Badge tone={CONNECTION_TONES[status]} dot>
          <span className={css.connectionWord}>{t(`connection.${status}`)}</span>
        </Badge>
      </span>
    </Tooltip>
  );
}

function Clocks({ engine }: { engine: EngineStatus | undefined }) {
  const wall = useNow(1000);
  const engineNow = useEngineNow(1000);
  return (
    <dl className={css.clocks}>
      <div>
        <dt>{engine?.demo ? t("header.engineClock") : zoneName("utc")}</dt>
        <dd>{formatClock(engine?.demo ? engineNow : wall, { zone: "utc" })}</dd>
      </div>
      <div>
        <dt>{t("header.localClock")}</dt>
        <dd>{formatClock(wall, { zone: "local" })}</dd>
      </div>
    </dl>
  );
}

function AlertsBell() {
  const { data: alerts } = useQuery(alertsQuery);
  const count = (alerts ?? []).filter((alert) => alert.state === "firing").length;
  return (
    <Link
      to="/alerts"
      className={css.bell}
      aria-label={t("header.alerts", { n: count })}
      title={t("header.alerts", { n: count })}
    >
      <Bell size={17} aria-hidden />
      {count > 0 && <span className={css.count}>{count > 99 ? "99+" : count}</span>}
    </Link>
  );
}

function UserMenu() {
  const { data: me } = useQuery(meQuery);
  const navigate = useNavigate();
  if (!me) return null;
  const leave = async (): Promise<void> => {
    try {
      await logout();
      location.assign("/login");
    } catch (thrown) {
      toastFailed(t("user.logout"), thrown);
    }
  };
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon aria-label={t("header.user")} title={t("header.user")} size={32}>
          <UserIcon size={17} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{t("user.role", { name: me.user.username, role: me.user.role })}</Menu.Label>
        <Menu.Item leftSection={<Settings size={14} aria-hidden />} onClick={() => void navigate({ to: "/settings" })}>
          {t("user.settings")}
        </Menu.Item>
        {me.auth_enabled && (
          <Menu.Item leftSection={<LogOut size={14} aria-hidden />} onClick={() => void leave()}>
            {t("user.logout")}
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}

export function Header({ onMenu }: { onMenu: () => void }) {
  const { data: engine } = useQuery(engineQuery);
  const { data: risk } = useQuery(riskQuery);
  const { isLive } = useConnection();
  const { context } = useCommandHost();
  const isDark = useScheme() === "dark";
  return (
    <header className={css.header}>
      <ActionIcon className={css.menu} aria-label={t("header.menu")} onClick={onMenu} size={36}>
        <MenuIcon size={18} aria-hidden />
      </ActionIcon>
      <Link to="/dashboard" className={css.product}>
        <img src="/icon-running.svg" alt="" width={22} height={22} />
        <span className={css.name}>{t("product")}</span>
      </Link>
      {engine && <Mode engine={engine} />}
      <div className={`${css.live} ${isLive ? "" : css.old}`}>{engine && <Figures engine={engine} risk={risk} />}</div>
      <div className={css.end}>
        <ConnectionBadge />
        <Clocks engine={engine} />
        <ActionIcon
          className={css.wide}
          aria-label={t("header.palette")}
          title={t("header.palette")}
          onClick={context.frame.openPalette}
          size={32}
        >
          <Search size={17} aria-hidden />
        </ActionIcon>
        <AlertsBell />
        <Button
          color="down"
          className={css.emergency}
          aria-label={t("header.emergency")}
          leftSection={<ShieldAlert size={15} aria-hidden />}
          onClick={context.frame.openEmergencySheet}
        >
          <span className={css.emergencyWord}>{t("header.emergency")}</span>
        </Button>
        <ActionIcon
          className={css.wide}
          aria-label={t("header.theme")}
          title={t("header.theme")}
          onClick={context.frame.switchTheme}
          size={32}
        >
          {isDark ? <Sun size={17} aria-hidden /> : <Moon size={17} aria-hidden />}
        </ActionIcon>
        <UserMenu />
      </div>
    </header>
  );
}
