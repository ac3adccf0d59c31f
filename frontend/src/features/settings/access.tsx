import { Button, CopyButton, Modal, NumberInput, PasswordInput, Select, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, type SyntheticEvent, useState } from "react";
import { api, unwrap } from "../../api/client";
import type { components } from "../../api/generated";
import type { Role } from "../../api/session";
import { CommandButton } from "../../commands/host";
import { deleteUser, revokeToken, switchUser } from "../../commands/system";
import { type ApiError, toApiError } from "../../domain/problem";
import { settingsText as t } from "../../texts/settings";
import { uiText } from "../../texts/ui";
import { Badge } from "../../ui/badge";
import { type Column, DataTable } from "../../ui/data-table";
import { ErrorNote, Panel } from "../../ui/panel";
import { Time } from "../../ui/time";
import css from "./settings.module.css";

type User = components["schemas"]["User"];
type ApiToken = components["schemas"]["ApiToken"];

const usersKey = ["users"];
const tokensKey = ["tokens"];
const ROLES: Role[] = ["viewer", "operator", "admin"];

/** The lists are asked for again after a change of theirs: each row's buttons sit in a part that does so. */
function Refreshing({ queryKey, children }: { queryKey: string[]; children: ReactNode }) {
  const client = useQueryClient();
  const refresh = (): void => {
    setTimeout(() => void client.invalidateQueries({ queryKey }), 300);
  };
  return (
    <span className="row-tight" onBlur={refresh}>
      {children}
    </span>
  );
}

const userColumns: readonly Column<User>[] = [
  {
    id: "name",
    header: t("users.name"),
    cell: (row) => <strong>{row.username}</strong>,
    sort: (row) => row.username,
    isTitle: true,
  },
  { id: "role", header: t("users.role"), cell: (row) => row.role, sort: (row) => row.role },
  {
    id: "state",
    header: t("users.state"),
    cell: (row) => <Badge tone={row.disabled ? "warn" : "up"}>{t(row.disabled ? "users.disabled" : "users.enabled")}</Badge>,
    sort: (row) => row.disabled,
  },
  {
    id: "created",
    header: t("users.created"),
    cell: (row) => <Time at={row.created_at} reason={t("users.local")} />,
    sort: (row) => row.created_at,
  },
  {
    id: "login",
    header: t("users.lastLogin"),
    cell: (row) => <Time at={row.last_login_at} reason={t("users.never")} />,
    sort: (row) => row.last_login_at,
  },
  {
    id: "actions",
    header: t("users.actions"),
    cell: (row) => (
      <Refreshing queryKey={usersKey}>
        <CommandButton command={switchUser} args={{ user: row }} />
        <CommandButton command={deleteUser} args={{ user: row }} />
      </Refreshing>
    ),
  },
];

const tokenColumns: readonly Column<ApiToken>[] = [
  { id: "name", header: t("tokens.name"), cell: (row) => <strong>{row.name}</strong>, sort: (row) => row.name, isTitle: true },
  { id: "role", header: t("users.role"), cell: (row) => row.role, sort: (row) => row.role },
  { id: "created", header: t("users.created"), cell: (row) => <Time at={row.created_at} />, sort: (row) => row.created_at },
  {
    id: "expires",
    header: t("tokens.expires"),
    cell: (row) => <Time at={row.expires_at} reason={t("tokens.noExpiry")} />,
    sort: (row) => row.expires_at,
  },
  {
    id: "used",
    header: t("tokens.lastUsed"),
    cell: (row) => <Time at={row.last_used_at} reason={t("tokens.unused")} />,
    sort: (row) => row.last_used_at,
  },
  {
    id: "actions",
    header: t("users.actions"),
    cell: (row) =>
      row.revoked ? (
        <Badge>{t("tokens.revoked")}</Badge>
      ) : (
        <Refreshing queryKey={tokensKey}>
          <CommandButton command={revokeToken} args={{ token: row }} />
        </Refreshing>
      ),
  },
];

interface FormProps {
  title: string;
  isReady: boolean;
  onSubmit: () => Promise<void>;
  children: ReactNode;
}

/** A form that shows the server's refusal where it was filled in. */
function SmallForm({ title, isReady, onSubmit, children }: FormProps) {
  const [error, setError] = useState<ApiError | null>(null);
  const [isPending, setPending] = useState(false);
  const submit = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    setPending(true);
    setError(null);
    try {
      await onSubmit();
    } catch (thrown) {
      setError(toApiError(thrown));
    } finally {
      setPending(false);
    }
  };
  return (
    <form className="stack" onSubmit={(event) => void submit(event)}>
      {children}
      {error && <ErrorNote name={title} error={error} />}
      <Button type="submit" disabled={!isReady} loading={isPending}>
        {title}
      </Button>
    </form>
  );
}

function NewUser({ onDone }: { onDone: () => void }) {
  const client = useQueryClient();
  const [words, setWords] = useState<{ username: string; password: string; role: Role }>({
    username: "",
    password: "",
    role: "viewer",
  });
  const create = async (): Promise<void> => {
    await unwrap(api().POST("/api/auth/users", { body: words }));
    await client.invalidateQueries({ queryKey: usersKey });
    onDone();
  };
  return (
    <SmallForm title={t("users.add")} isReady={words.username !== "" && words.password.length >= 10} onSubmit={create}>
      <TextInput
        label={t("users.name")}
        value={words.username}
        onChange={(event) => setWords({ ...words, username: event.currentTarget.value })}
        autoComplete="off"
        data-autofocus
      />
      <PasswordInput
        label={t("users.password")}
        description={t("password.short")}
        value={words.password}
        onChange={(event) => setWords({ ...words, password: event.currentTarget.value })}
        autoComplete="new-password"
      />
      <Select
        label={t("users.role")}
        data={ROLES}
        value={words.role}
        onChange={(role) => setWords({ ...words, role: role ?? "viewer" })}
      />
    </SmallForm>
  );
}

function NewToken({ onDone }: { onDone: () => void }) {
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  const [days, setDays] = useState<number | null>(90);
  const [secret, setSecret] = useState<string | null>(null);
  const create = async (): Promise<void> => {
    const reply = await unwrap(api().POST("/api/auth/tokens", { body: { name, role, expires_in_days: days } }));
    setSecret(reply.token);
    await client.invalidateQueries({ queryKey: tokensKey });
  };
  if (secret !== null) {
    return (
      <div className="stack">
        <p role="alert">{t("tokens.once")}</p>
        <output className={css.secret} aria-label={t("tokens.label")}>
          {secret}
        </output>
        <div className="row">
          <CopyButton value={secret}>
            {({ copied, copy }) => <Button onClick={copy}>{t(copied ? "tokens.copied" : "tokens.copy")}</Button>}
          </CopyButton>
          <Button variant="default" onClick={onDone}>
            {t("tokens.close")}
          </Button>
        </div>
      </div>
    );
  }
  return (
    <SmallForm title={t("tokens.add")} isReady={name !== ""} onSubmit={create}>
      <TextInput
        label={t("tokens.name")}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        autoComplete="off"
        data-autofocus
      />
      <Select label={t("users.role")} data={ROLES} value={role} onChange={(next) => setRole(next ?? "viewer")} />
      <NumberInput
        label={t("tokens.days")}
        min={1}
        max={3650}
        allowDecimal={false}
        value={days ?? ""}
        onChange={(value) => setDays(typeof value === "number" ? value : null)}
      />
    </SmallForm>
  );
}

export function AccessSettings() {
  const [open, setOpen] = useState<"user" | "token" | null>(null);
  const users = useQuery({ queryKey: usersKey, queryFn: async () => (await unwrap(api().GET("/api/auth/users"))).items });
  const tokens = useQuery({ queryKey: tokensKey, queryFn: async () => (await unwrap(api().GET("/api/auth/tokens"))).items });
  const close = (): void => setOpen(null);
  return (
    <div className="grid">
      <Panel
        title={t("users.title")}
        query={users}
        isFlush
        className="c-12"
        actions={<Button onClick={() => setOpen("user")}>{t("users.add")}</Button>}
        empty={(rows) => (rows.length > 0 ? null : { text: t("users.none") })}
      >
        {(rows) => (
          <DataTable
            id="settings.users"
            label={t("users.title")}
            rows={rows}
            columns={userColumns}
            rowKey={(row) => row.username}
            rowLabel={(row) => row.username}
          />
        )}
      </Panel>
      <Panel
        title={t("tokens.title")}
        query={tokens}
        isFlush
        className="c-12"
        actions={<Button onClick={() => setOpen("token")}>{t("tokens.add")}</Button>}
        empty={(rows) => (rows.length > 0 ? null : { text: t("tokens.none") })}
      >
        {(rows) => (
          <DataTable
            id="settings.tokens"
            label={t("tokens.title")}
            rows={rows}
            columns={tokenColumns}
            rowKey={(row) => row.token_id}
            rowLabel={(row) => row.name}
          />
        )}
      </Panel>
      <Modal
        opened={open === "user"}
        onClose={close}
        title={t("users.add")}
        closeButtonProps={{ "aria-label": uiText("confirm.cancel") }}
      >
        <NewUser onDone={close} />
      </Modal>
      <Modal
        opened={open === "token"}
        onClose={close}
        title={t("tokens.add")}
        closeButtonProps={{ "aria-label": uiText("confirm.cancel") }}
      >
        <NewToken onDone={close} />
      </Modal>
    </div>
  );
}
