import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { CandlestickChart, SlidersHorizontal } from "lucide-react";
import { presetsQuery, scanQuery } from "../api/queries";
import { palette as paletteCommand } from "../commands/frame";
import { useCommandHost } from "../commands/host";
import { globalCommands } from "../commands/registry";
import { shortSymbol, symbolSlug } from "../domain/format";
import { frameText as t } from "../texts/frame";
import { CommandPalette, type PaletteItem } from "../ui/palette";

/** Pages and commands from the registry, presets and symbols from the server. */
export function Palette({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const { context, give } = useCommandHost();
  const navigate = useNavigate();
  const { data: scan } = useQuery({ ...scanQuery, enabled: isOpen });
  const { data: presets } = useQuery({ ...presetsQuery, enabled: isOpen });
  const commands = globalCommands
    .filter((command) => command !== paletteCommand)
    .map((command): PaletteItem => {
      const verdict = command.allowed(context, undefined);
      const Icon = command.icon;
      return {
        id: command.id,
        group: command.group,
        label: command.label(undefined),
        icon: <Icon size={15} aria-hidden />,
        keys: command.shortcut,
        blocked: verdict.isAllowed ? undefined : verdict.why,
        run: () => void give(command, undefined),
      };
    });
  const symbols = (scan?.items ?? []).map(
    (item): PaletteItem => ({
      id: `symbol.${item.symbol}`,
      group: t("page.chart"),
      label: shortSymbol(item.symbol),
      icon: <CandlestickChart size={15} aria-hidden />,
      run: () => void navigate({ to: "/chart/$symbol", params: { symbol: symbolSlug(item.symbol) } }),
    }),
  );
  const named = (presets ?? []).map(
    (preset): PaletteItem => ({
      id: `preset.${preset.name}`,
      group: t("page.presets"),
      label: preset.name,
      icon: <SlidersHorizontal size={15} aria-hidden />,
      run: () => void navigate({ to: "/presets/$name", params: { name: preset.name } }),
    }),
  );
  return <CommandPalette isOpen={isOpen} onClose={onClose} items={[...commands, ...named, ...symbols]} />;
}
