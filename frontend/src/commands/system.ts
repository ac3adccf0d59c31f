import { Archive, KeyRound, MemoryStick, UserCheck, UserX } from "lucide-react";
import { api, unwrap } from "../api/client";
import type { components } from "../api/generated";
import { formatNumber } from "../domain/format";
import { settingsText as t } from "../texts/settings";
import { roleAllows } from "./rules";
import type { Command } from "./types";

type User = components["schemas"]["User"];
type ApiToken = components["schemas"]["ApiToken"];

const group = t("command.group");

export const switchUser: Command<{ user: User }> = {
  id: "user.switch",
  group,
  label: ({ user }) => t(user.disabled ? "command.userEnable" : "command.userDisable"),
  icon: UserCheck,
  role: "admin",
  allowed: (context) => roleAllows(context, "admin"),
  confirm: (_context, { user }) =>
    user.disabled ? null : { form: { kind: "plain" }, effect: [t("command.userDisableEffect", { name: user.username })] },
  run: async (_context, { user }) => {
    await unwrap(
      api().PATCH("/api/auth/users/{name}", { params: { path: { name: user.username } }, body: { disabled: !user.disabled } }),
    );
    return { message: t("command.done", { name: user.username }) };
  },
};

export const deleteUser: Command<{ user: User }> = {
  id: "user.delete",
  group,
  label: () => t("command.userDelete"),
  icon: UserX,
  role: "admin",
  isDangerous: true,
  allowed: (context) => roleAllows(context, "admin"),
  confirm: (_context, { user }) => ({
    form: { kind: "plain" },
    isDangerous: true,
    effect: [t("command.userDeleteEffect", { name: user.username, role: user.role })],
  }),
  run: async (_context, { user }) => {
    await unwrap(api().DELETE("/api/auth/users/{name}", { params: { path: { name: user.username } } }));
    return { message: t("command.done", { name: user.username }) };
  },
};

export const revokeToken: Command<{ token: ApiToken }> = {
  id: "token.revoke",
  group,
  label: () => t("command.tokenRevoke"),
  icon: KeyRound,
  role: "admin",
  isDangerous: true,
  allowed: (context) => roleAllows(context, "admin"),
  confirm: (_context, { token }) => ({
    form: { kind: "plain" },
    isDangerous: true,
    effect: [t("command.tokenRevokeEffect", { name: token.name, role: token.role })],
  }),
  run: async (_context, { token }) => {
    await unwrap(api().DELETE("/api/auth/tokens/{id}", { params: { path: { id: token.token_id } } }));
    return { message: t("command.done", { name: token.name }) };
  },
};

export const makeBackup: Command = {
  id: "system.backup",
  group,
  label: () => t("command.backup"),
  icon: Archive,
  role: "admin",
  allowed: (context) => roleAllows(context, "admin"),
  confirm: () => null,
  run: async () => {
    const backup = await unwrap(api().POST("/api/system/backups"));
    return { message: t("command.backupDone", { file: backup.file }) };
  },
};

export const memorySnapshot: Command = {
  id: "system.memory-snapshot",
  group,
  label: () => t("command.memory"),
  icon: MemoryStick,
  role: "operator",
  allowed: (context) => roleAllows(context, "operator"),
  confirm: () => null,
  run: async () => {
    const snapshot = await unwrap(api().POST("/api/system/memory-snapshot"));
    return { message: t("command.memoryDone", { file: snapshot.file, mb: formatNumber(snapshot.rss_mb, 1) }) };
  },
};
