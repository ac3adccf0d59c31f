import { Tabs } from "@mantine/core";
import { hasRole, useRole } from "../../api/session";
import { AccessSettings } from "../../features/settings/access";
import { OwnSettings } from "../../features/settings/own";
import { About, BackupSettings, ServerSettings } from "../../features/settings/server";
import { useSearchState } from "../../hooks/use-search-state";
import { frameText } from "../../texts/frame";
import { settingsText as t } from "../../texts/settings";
import { uiText } from "../../texts/ui";
import { Page } from "../../ui/page";

const PARTS = [
  { id: "own", Part: OwnSettings, role: "viewer" },
  { id: "access", Part: AccessSettings, role: "admin" },
  { id: "server", Part: ServerSettings, role: "viewer" },
  { id: "backups", Part: BackupSettings, role: "admin" },
  { id: "about", Part: About, role: "viewer" },
] as const;

export function SettingsPage() {
  const [{ tab }, setSearch] = useSearchState({ tab: "own" });
  const role = useRole();
  const chosen = PARTS.find((part) => part.id === tab && hasRole(role, part.role)) ?? PARTS[0];
  return (
    <Page title={frameText("page.settings")}>
      <Tabs value={chosen.id} onChange={(next) => setSearch({ tab: next ?? "own" })} keepMounted={false}>
        <Tabs.List aria-label={t("tab.label")}>
          {PARTS.map((part) => {
            const isAllowed = hasRole(role, part.role);
            return (
              <Tabs.Tab
                key={part.id}
                value={part.id}
                disabled={!isAllowed}
                title={isAllowed ? undefined : uiText("panel.forbidden", { role: part.role })}
              >
                {t(`tab.${part.id}`)}
              </Tabs.Tab>
            );
          })}
        </Tabs.List>
        <Tabs.Panel value={chosen.id} pt="sm">
          <chosen.Part />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}
