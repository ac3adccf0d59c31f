import { Shield, ShieldAlert } from "lucide-react";
import type { Position } from "../../api/types";
import { formatDuration, humanise } from "../../domain/format";
import { positionsText as t } from "../../texts/positions";
import { Badge } from "../../ui/badge";

/** Whether the venue holds a stop for the whole quantity; red with the seconds when not. */
export function ProtectedMark({ position }: { position: Position }) {
  if (position.protected)
    return (
      <span className="row-tight text-2" title={t("protected.hint")}>
        <Shield size={14} aria-hidden />
        {t("protected.yes")}
      </span>
    );
  const age = formatDuration(position.unprotected_ms);
  return (
    <Badge tone="down" title={t("protected.noHint", { age })}>
      <ShieldAlert size={13} aria-hidden />
      {t("protected.no", { age })}
    </Badge>
  );
}

export function StopRule({ position }: { position: Position }) {
  return <span className="nowrap">{humanise(position.stop_rule)}</span>;
}
