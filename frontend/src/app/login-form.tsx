import { Button, Modal, PasswordInput, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { type SyntheticEvent, useState } from "react";
import { useHurry } from "../api/live";
import { login, meQuery, refreshMe } from "../api/session";
import { type ApiError, toApiError } from "../domain/problem";
import { useNow } from "../hooks/use-now";
import { frameText as t } from "../texts/frame";
import { ErrorNote } from "../ui/panel";

function LoginError({ error, at }: { error: ApiError; at: number }) {
  const now = useNow(1000);
  if (error.code === "bad_credentials")
    return (
      <p role="alert" className="tone-down">
        {t("login.wrong")}
      </p>
    );
  if (error.status === 429) {
    const seconds = Math.max(0, Math.ceil((error.retryAfterS ?? 60) - (now - at) / 1000));
    return (
      <p role="alert" className="tone-down">
        {t("login.wait", { seconds })}
      </p>
    );
  }
  return <ErrorNote name={t("login.failed")} error={error} />;
}

/** Name and password. `user` is given when someone logs in again. */
export function LoginForm({ user, onDone }: { user?: string | undefined; onDone: () => void }) {
  const [username, setUsername] = useState(user ?? "");
  const [password, setPassword] = useState("");
  const [isPending, setPending] = useState(false);
  const [failure, setFailure] = useState<{ error: ApiError; at: number } | null>(null);
  const client = useQueryClient();
  const submit = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    setPending(true);
    setFailure(null);
    try {
      await login(username, password);
      await refreshMe(client);
      onDone();
    } catch (thrown) {
      setFailure({ error: toApiError(thrown), at: Date.now() });
      setPassword("");
    } finally {
      setPending(false);
    }
  };
  return (
    <form onSubmit={(event) => void submit(event)} className="stack">
      <TextInput
        label={t("login.name")}
        size="sm"
        value={username}
        onChange={(event) => setUsername(event.currentTarget.value)}
        autoComplete="username"
        required
        data-autofocus={user === undefined || undefined}
      />
      <PasswordInput
        label={t("login.password")}
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
        autoComplete="current-password"
        required
        data-autofocus={user !== undefined || undefined}
      />
      {failure && <LoginError {...failure} />}
      <Button type="submit" size="sm" loading={isPending} disabled={username === "" || password === ""}>
        {t("login.submit")}
      </Button>
    </form>
  );
}

/** When the login has ended: the page stays as it is behind the dialog. */
export function LoginAgain({ isOpen, onDone }: { isOpen: boolean; onDone: () => void }) {
  const client = useQueryClient();
  const hurry = useHurry();
  const user = client.getQueryData(meQuery.queryKey)?.user.username;
  const done = (): void => {
    onDone();
    hurry();
    void client.invalidateQueries();
  };
  return (
    <Modal
      opened={isOpen}
      onClose={() => undefined}
      withCloseButton={false}
      closeOnEscape={false}
      closeOnClickOutside={false}
      title={t("login.again")}
    >
      <div className="stack">
        <p>{t("login.ended")}</p>
        <LoginForm user={user} onDone={done} />
      </div>
    </Modal>
  );
}
