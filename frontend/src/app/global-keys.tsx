import { useCommandHost } from "../commands/host";
import { globalCommands } from "../commands/registry";
import { useShortcuts } from "../ui/keys";

/** Keys of the commands that work everywhere. One that is not allowed says why. */
export function GlobalKeys() {
  const { give } = useCommandHost();
  const groups = new Map<string, (typeof globalCommands)[number][]>();
  for (const command of globalCommands)
    if (command.shortcut !== undefined) groups.set(command.group, [...(groups.get(command.group) ?? []), command]);
  return [...groups].map(([group, commands]) => <Group key={group} name={group} commands={commands} give={give} />);
}

interface GroupProps {
  name: string;
  commands: typeof globalCommands;
  give: ReturnType<typeof useCommandHost>["give"];
}

function Group({ name, commands, give }: GroupProps) {
  useShortcuts(
    name,
    commands.map((command) => ({
      keys: command.shortcut ?? "",
      label: command.label(undefined),
      run: () => void give(command, undefined),
    })),
  );
  return null;
}
