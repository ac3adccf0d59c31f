import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type SyntheticEvent, useState } from "react";
import { refreshMe, setUp } from "../../api/session";
import { type ApiError, toApiError } from "../../domain/problem";
import { frameText as t } from "../../texts/frame";
import { ErrorNote } from "../../ui/panel";
import { AloneCard } from "../alone-card";
import { getSetupCode } from "../setup-code";

const PASSWORD_MIN = 10;

function SetupForm({ code }: { code: string }) {
  const [username, setUsername] = useState("admin");
  const [password, setPassword] = useState("");
  const [repeated, setRepeated] = useState("");
  const [error, setError] = useState<ApiError | null>(null);
  const [isPending, setPending] = useState(false);
  const client = useQueryClient();
  const navigate = useNavigate();
  const isShort = password !== "" && password.length < PASSWORD_MIN;
  const isDifferent = repeated !== "" && repeated !== password;
  const submit = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    setPending(true);
    setError(null);
    try {
      await setUp(code, username, password);
      await refreshMe(client);
      await navigate({ to: "/dashboard", replace: true });
    } catch (thrown) {
      setError(toApiError(thrown));
    } finally {
      setPending(false);
    }
  };
  return (
    <form onSubmit={(event) => void submit(event)} className="stack">
      <p className="text-2">{t("setup.text")}</p>
      <TextInput
        size="sm"
        label={t("login.name")}
        value={username}
        onChange={(event) => setUsername(event.currentTarget.value)}
        autoComplete="username"
        required
      />
      <PasswordInput
        label={t("login.password")}
        description={t("setup.length")}
        error={isShort ? t("setup.length") : null}
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
        autoComplete="new-password"
        required
        data-autofocus
      />
      <PasswordInput
        label={t("setup.repeat")}
        error={isDifferent ? t("setup.differs") : null}
        value={repeated}
        onChange={(event) => setRepeated(event.currentTarget.value)}
        autoComplete="new-password"
        required
      />
      {error?.code === "setup_closed" && (
        <p role="alert" className="tone-down">
          {t("setup.closed")}
        </p>
      )}
      {error && error.code !== "setup_closed" && <ErrorNote name={t("setup.title")} error={error} />}
      <Button
        type="submit"
        size="sm"
        loading={isPending}
        disabled={username === "" || password.length < PASSWORD_MIN || repeated !== password}
      >
        {t("setup.submit")}
      </Button>
    </form>
  );
}

export function SetupPage() {
  const code = getSetupCode();
  return (
    <AloneCard title={t("setup.title")}>
      {code === null ? <p className="text-2">{t("setup.noCode")}</p> : <SetupForm code={code} />}
    </AloneCard>
  );
}
