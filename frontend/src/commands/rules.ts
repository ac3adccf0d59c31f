import { hasRole, type Role } from "../api/session";
import { humanise } from "../domain/format";
import { commandsText as t } from "../texts/commands";
import { ALLOWED, type CommandContext, forbidden, type Verdict } from "./types";

/** Why the role or the connection forbids it, or null. */
function barred(context: CommandContext, role: Role, isEmergency: boolean): Verdict | null {
  if (!hasRole(context.role, role)) return forbidden(t("why.role", { role }));
  if (!context.isLive && !isEmergency) return forbidden(t("why.connection"));
  return null;
}

/** A command of the engine is allowed when the engine itself lists it. */
export function engineAllows(context: CommandContext, name: string, role: Role, isEmergency = false): Verdict {
  const bar = barred(context, role, isEmergency);
  if (bar) return bar;
  if (!context.engine) return isEmergency ? ALLOWED : forbidden(t("why.unknown"));
  if (context.engine.allowed_commands.includes(name)) return ALLOWED;
  // Without a connection the state may be an old one: the server decides.
  if (isEmergency && !context.isLive) return ALLOWED;
  return forbidden(t("why.state", { state: humanise(context.engine.session_state) }));
}

export function roleAllows(context: CommandContext, role: Role, isEmergency = false): Verdict {
  return barred(context, role, isEmergency) ?? ALLOWED;
}
