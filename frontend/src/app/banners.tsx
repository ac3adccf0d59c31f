import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleX, Filter, Gauge, LockOpen, OctagonX, Unplug } from "lucide-react";
import { type ReactNode, useState } from "react";
import { CloseButton } from "@mantine/core";
import { useFeedState } from "../api/live";
import { engineQuery, riskQuery } from "../api/queries";
import { meQuery } from "../api/session";
import type { EngineStatus } from "../api/types";
import { CommandButton } from "../commands/host";
import { retry } from "../commands/engine";
import { formatDateTime, formatFraction, formatNumber, humanise, zoneName } from "../domain/format";
import { useNow } from "../hooks/use-now";
import { frameText as t } from "../texts/frame";
import css from "./banners.module.css";

interface BannerProps {
  tone: "down" | "warn" | "info";
  icon: ReactNode;
  title: string;
  detail?: string | undefined;
  action?: ReactNode;
  isAlert?: boolean;
}

function Banner({ tone, icon, title, detail, action, isAlert = false }: BannerProps) {
  return (
    <div className={`${css.banner} ${css[tone]}`} role={isAlert ? "alert" : "status"}>
      {icon}
      <p>
        <strong>{title}</strong>
        {detail !== undefined && <span className={css.detail}>{detail}</span>}
      </p>
      {action}
    </div>
  );
}

function LatchBanner({ engine }: { engine: EngineStatus }) {
  const latch = engine.latch;
  if (!latch) return null;
  const since = `${formatDateTime(latch.since_at)} ${zoneName()}`;
  const cause = humanise(latch.cause ?? latch.name ?? "");
  const hasValue = latch.value !== null && latch.threshold !== null;
  const detail = hasValue
    ? t("banner.latchedValue", { cause, value: formatNumber(latch.value, 4), threshold: formatNumber(latch.threshold, 4), since })
    : t("banner.latchedDetail", { cause, since });
  return (
    <Banner
      tone="down"
      isAlert
      icon={<OctagonX size={16} aria-hidden />}
      title={t("banner.latched")}
      detail={detail}
      action={<Link to="/engine">{t("banner.latchedDo")}</Link>}
    />
  );
}

/** What the server said when it closed; a line that was cut says nothing. */
function closeReason(code: number | null): string {
  switch (code) {
    case 1001:
    case 1012:
    case 4001:
    case 4003:
    case 4008:
    case 4009:
    case 4013:
    case 4029:
      return t(`closed.${code}`);
    default:
      return "";
  }
}

function ConnectionBanner() {
  const { status, retryAt, closeCode } = useFeedState();
  const now = useNow(1000);
  const icon = <Unplug size={16} aria-hidden />;
  if (status === "polling") return <Banner tone="warn" icon={icon} title={t("banner.polling")} />;
  if (status === "stale") return <Banner tone="warn" icon={icon} title={t("banner.stale")} />;
  if (status !== "disconnected") return null;
  const wait = retryAt === null ? "" : t("banner.retryIn", { seconds: Math.max(0, Math.ceil((retryAt - now) / 1000)) });
  const detail = [closeReason(closeCode), t("banner.disconnectedDetail", { retry: wait })].join(" ");
  return <Banner tone="down" icon={icon} title={t("banner.disconnected")} detail={detail.trim()} />;
}

const NEAR = 0.75;

function NearLimitBanner() {
  const { data: risk } = useQuery(riskQuery);
  const near = [
    { name: t("banner.nearKill"), used: risk?.kill_limit_used },
    { name: t("banner.nearDay"), used: risk?.day_loss_used },
  ].find(({ used }) => used != null && used >= NEAR);
  if (!near) return null;
  return (
    <Banner
      tone="warn"
      icon={<Gauge size={16} aria-hidden />}
      title={t("banner.near", { name: near.name, percent: formatFraction(near.used, false, 0) })}
    />
  );
}

/** What must be known on every page, the gravest first. */
export function Banners() {
  const { data: engine } = useQuery(engineQuery);
  const { data: me } = useQuery(meQuery);
  // Read once and closed, it comes back with the next session.
  const [dismissed, setDismissed] = useState<string | null>(null);
  const skipped = engine?.skipped_filters.map((name) => humanise(name)) ?? [];
  return (
    <div className={css.all}>
      {engine && <LatchBanner engine={engine} />}
      {engine?.is_error && engine.session_state === "error" && (
        <Banner
          tone="down"
          isAlert
          icon={<CircleX size={16} aria-hidden />}
          title={t("banner.error")}
          detail={t("banner.errorDetail")}
          action={<CommandButton command={retry} args={undefined} />}
        />
      )}
      <ConnectionBanner />
      <NearLimitBanner />
      {skipped.length > 0 && engine?.session_id != null && dismissed !== engine.session_id && (
        <Banner
          tone="info"
          icon={<Filter size={16} aria-hidden />}
          title={t("banner.skipped", { n: skipped.length, names: skipped.join(", ") })}
          action={<CloseButton size="sm" aria-label={t("banner.close")} onClick={() => setDismissed(engine.session_id)} />}
        />
      )}
      {me?.auth_enabled === false && <Banner tone="warn" icon={<LockOpen size={16} aria-hidden />} title={t("banner.authOff")} />}
    </div>
  );
}
