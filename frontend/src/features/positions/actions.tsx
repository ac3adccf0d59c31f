import { ActionIcon, Button, Popover } from "@mantine/core";
import { Ellipsis, ListTree, MoveVertical } from "lucide-react";
import { useState } from "react";
import type { Position } from "../../api/types";
import { CommandButton, useVerdict } from "../../commands/host";
import { breakeven, closeNow, closePart, moveStop, setTargets } from "../../commands/positions";
import { shortSymbol } from "../../domain/format";
import { positionsText as t } from "../../texts/positions";
import css from "./positions.module.css";
import { StopEditor } from "./stop-editor";
import { TargetEditor } from "./target-editor";

const SHARES = [0.25, 0.5, 0.75, 1] as const;

/** A button that opens an editor; one that is not allowed says why, as the buttons of commands do. */
function EditorButtons({ position }: { position: Position }) {
  const [open, setOpen] = useState<"stop" | "targets" | null>(null);
  const stopVerdict = useVerdict(moveStop, { position, price: position.stop });
  const targetsVerdict = useVerdict(setTargets, { position, targets: [] });
  const buttons = [
    { id: "stop", verdict: stopVerdict, label: moveStop.label({ position, price: position.stop }), Icon: MoveVertical },
    { id: "targets", verdict: targetsVerdict, label: setTargets.label({ position, targets: [] }), Icon: ListTree },
  ] as const;
  return (
    <>
      {buttons.map(({ id, verdict, label, Icon }) => (
        <Button
          key={id}
          variant="default"
          leftSection={<Icon size={14} aria-hidden />}
          {...(verdict.isAllowed
            ? { onClick: () => setOpen(id) }
            : { "data-disabled": true, "aria-disabled": true, "aria-description": verdict.why, title: verdict.why })}
        >
          {label}
        </Button>
      ))}
      <StopEditor position={position} isOpen={open === "stop"} onClose={() => setOpen(null)} />
      <TargetEditor position={position} isOpen={open === "targets"} onClose={() => setOpen(null)} />
    </>
  );
}

/** Everything that can be done with an open position. */
export function PositionActions({ position }: { position: Position }) {
  return (
    <div className={css.actions} role="group" aria-label={t("actions.label", { symbol: shortSymbol(position.symbol) })}>
      <div className={css.shares}>
        <span className="text-3 small">{t("actions.close")}</span>
        {SHARES.map((fraction) => (
          <CommandButton
            key={fraction}
            command={closePart}
            args={{ position, fraction }}
            label={t("actions.share", { share: fraction * 100 })}
            hasIcon={false}
          />
        ))}
      </div>
      <CommandButton command={closeNow} args={{ position }} />
      <CommandButton command={breakeven} args={{ position }} />
      <EditorButtons position={position} />
    </div>
  );
}

/** The same behind one button, for a row of a table. */
export function PositionMenu({ position }: { position: Position }) {
  const label = t("actions.label", { symbol: shortSymbol(position.symbol) });
  return (
    // Keeps clicks and keys in the menu from opening the row.
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions, jsx-a11y/click-events-have-key-events
    <div onClick={(event) => event.stopPropagation()}>
      <Popover position="bottom-end" trapFocus keepMounted={false}>
        <Popover.Target>
          <ActionIcon aria-label={label} title={label}>
            <Ellipsis size={16} aria-hidden />
          </ActionIcon>
        </Popover.Target>
        <Popover.Dropdown aria-label={label}>
          <div className={css.menu}>
            <PositionActions position={position} />
          </div>
        </Popover.Dropdown>
      </Popover>
    </div>
  );
}
