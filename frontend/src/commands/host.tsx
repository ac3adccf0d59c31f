import { Button, type ButtonProps, Checkbox, Tooltip } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useRef, useState } from "react";
import { engineQuery, positionsQuery } from "../api/queries";
import { useRole } from "../api/session";
import { type ApiError, toApiError } from "../domain/problem";
import { ConfirmDialog } from "../ui/confirm-dialog";
import { useConnection } from "../ui/connection";
import { toastDone, toastFailed, toastRefused } from "../ui/toast";
import type { Command, CommandContext, Confirmation, FrameActions, Verdict } from "./types";

/** Gives commands: asks what must be asked, runs, and says what the server did. One dialog for the whole application. */

interface Host {
  context: CommandContext;
  /** True when the command has run; false when it was refused, failed or was called off. */
  give: <Args>(command: Command<Args>, args: Args) => Promise<boolean>;
}
const HostContext = createContext<Host | null>(null);

interface Asked {
  title: string;
  confirmation: Confirmation;
  execute: (answer: { reason: string; isTicked: boolean }) => Promise<void>;
  finish: (isDone: boolean) => void;
}

function useCommandContext(frame: FrameActions): CommandContext {
  const { data: engine } = useQuery(engineQuery);
  const { data: positions } = useQuery(positionsQuery);
  const role = useRole();
  const { isLive } = useConnection();
  return useMemo(() => ({ engine, positions: positions ?? [], role, isLive, frame }), [engine, positions, role, isLive, frame]);
}

export function CommandHost({ frame, children }: { frame: FrameActions; children: ReactNode }) {
  const context = useCommandContext(frame);
  const latest = useRef(context);
  useEffect(() => {
    latest.current = context;
  });
  const [asked, setAsked] = useState<Asked | null>(null);
  const [isTicked, setTicked] = useState(false);
  const [isPending, setPending] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);

  const give = useCallback(async <Args,>(command: Command<Args>, args: Args): Promise<boolean> => {
    const now = latest.current;
    const label = command.label(args);
    const verdict = command.allowed(now, args);
    if (!verdict.isAllowed) {
      toastRefused(label, verdict.why);
      return false;
    }
    const execute = async (answer: { reason: string; isTicked: boolean }): Promise<void> => {
      const outcome = await command.run(latest.current, args, answer);
      if (outcome.message !== null) toastDone(outcome.message, label);
    };
    let confirmation: Confirmation | null;
    try {
      confirmation = command.look ? await command.look(now, args) : command.confirm(now, args);
      if (confirmation === null) {
        await execute({ reason: "", isTicked: false });
        return true;
      }
    } catch (thrown) {
      toastFailed(label, thrown);
      return false;
    }
    const question = confirmation;
    setError(null);
    setTicked(false);
    return new Promise<boolean>((finish) => setAsked({ title: label, confirmation: question, execute, finish }));
  }, []);

  const close = (isDone: boolean): void => {
    asked?.finish(isDone);
    setAsked(null);
  };
  const confirm = async (reason: string): Promise<void> => {
    if (!asked) return;
    setPending(true);
    setError(null);
    try {
      await asked.execute({ reason, isTicked });
      close(true);
    } catch (thrown) {
      // The dialog stays with what was typed; it says what went wrong.
      setError(toApiError(thrown));
    } finally {
      setPending(false);
    }
  };
  const host = useMemo(() => ({ context, give }), [context, give]);
  return (
    <HostContext value={host}>
      {children}
      <ConfirmDialog
        isOpen={asked !== null}
        title={asked?.title ?? ""}
        form={asked?.confirmation.form ?? { kind: "plain" }}
        effect={asked?.confirmation.effect ?? []}
        confirmLabel={asked?.title ?? ""}
        isDangerous={asked?.confirmation.isDangerous ?? false}
        needsReason={asked?.confirmation.needsReason ?? false}
        isPending={isPending}
        error={error}
        onConfirm={(reason) => void confirm(reason)}
        onClose={() => close(false)}
      >
        {asked?.confirmation.tick !== undefined && (
          <Checkbox
            label={asked.confirmation.tick}
            checked={isTicked}
            onChange={(event) => setTicked(event.currentTarget.checked)}
          />
        )}
      </ConfirmDialog>
    </HostContext>
  );
}

export function useCommandHost(): Host {
  const host = useContext(HostContext);
  if (!host) throw new Error("CommandHost is missing above this component");
  return host;
}

export function useVerdict<Args>(command: Command<Args>, args: Args): Verdict {
  return command.allowed(useCommandHost().context, args);
}

interface CommandButtonProps<Args> extends Omit<ButtonProps, "loading" | "disabled"> {
  command: Command<Args>;
  args: Args;
  /** Instead of the command's own label. */
  label?: string | undefined;
  hasIcon?: boolean;
  /** Done before the command is given: closing the sheet that the button is on. */
  onGive?: () => void;
}

/** The button of a command. One that is not allowed stays in its place and says why. */
export function CommandButton<Args>({ command, args, label, hasIcon = true, onGive, ...look }: CommandButtonProps<Args>) {
  const { give, context } = useCommandHost();
  const [isPending, setPending] = useState(false);
  const verdict = command.allowed(context, args);
  const Icon = command.icon;
  const press = async (): Promise<void> => {
    if (!verdict.isAllowed || isPending) return;
    onGive?.();
    setPending(true);
    await give(command, args);
    setPending(false);
  };
  return (
    <Tooltip label={verdict.isAllowed ? "" : verdict.why} disabled={verdict.isAllowed}>
      <Button
        variant={command.isDangerous ? "light" : "default"}
        color={command.isDangerous ? "down" : "accent"}
        leftSection={hasIcon ? <Icon size={14} aria-hidden /> : undefined}
        {...look}
        loading={isPending && !command.look && command.confirm(context, args) === null}
        {...(verdict.isAllowed ? {} : { "data-disabled": true, "aria-disabled": true, "aria-description": verdict.why })}
        onClick={() => void press()}
      >
        {label ?? command.label(args)}
      </Button>
    </Tooltip>
  );
}
