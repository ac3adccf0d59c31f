import { Drawer } from "@mantine/core";
import * as engine from "../commands/engine";
import { CommandButton } from "../commands/host";
import { frameText as t } from "../texts/frame";
import { uiText } from "../texts/ui";
import css from "./emergency-sheet.module.css";

const ROWS = [
  { command: engine.pause, text: t("emergency.pause") },
  { command: engine.timeStop, text: t("emergency.timeStop") },
  { command: engine.emergencyStop, text: t("emergency.emergencyStop") },
  { command: engine.panicExit, text: t("emergency.panic") },
  { command: engine.killSwitch, text: t("emergency.kill") },
];

/** The five ways to stop, mildest first, each with what happens to entries, positions and the next start. */
export function EmergencySheet({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const heads = [t("emergency.entries"), t("emergency.positions"), t("emergency.restart")];
  return (
    <Drawer
      opened={isOpen}
      onClose={onClose}
      position="right"
      size="md"
      title={t("emergency.title")}
      closeButtonProps={{ "aria-label": uiText("confirm.cancel") }}
    >
      <ul className={css.list}>
        {ROWS.map(({ command, text }) => (
          <li key={command.id} className={css.item}>
            <CommandButton command={command} args={undefined} size="md" fullWidth justify="flex-start" onGive={onClose} />
            <dl className={css.effects}>
              {text.split(" | ").map((effect, index) => (
                <div key={heads[index]}>
                  <dt>{heads[index]}</dt>
                  <dd>{effect}</dd>
                </div>
              ))}
            </dl>
          </li>
        ))}
      </ul>
    </Drawer>
  );
}
