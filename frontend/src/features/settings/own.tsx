import { Button, PasswordInput, SegmentedControl, Switch } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, type SyntheticEvent, useId, useState } from "react";
import { api, unwrap } from "../../api/client";
import { meQuery } from "../../api/session";
import { zoneName } from "../../domain/format";
import { type ApiError, toApiError } from "../../domain/problem";
import { setPreferences, usePreferences } from "../../hooks/preferences";
import { settingsText as t } from "../../texts/settings";
import { ErrorNote, Panel } from "../../ui/panel";
import { toastDone } from "../../ui/toast";
import css from "./settings.module.css";

type ChoiceKey = "theme" | "palette" | "density" | "zone" | "numbers";

function Choice({ name, field, options }: { name: string; field: ChoiceKey; options: readonly [string, string][] }) {
  const preferences = usePreferences();
  const id = useId();
  return (
    <div className={css.choice}>
      <span id={id}>{name}</span>
      <SegmentedControl
        aria-labelledby={id}
        value={preferences[field]}
        onChange={(value) => setPreferences({ [field]: value })}
        data={options.map(([value, label]) => ({ value, label }))}
      />
    </div>
  );
}

function Group({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Panel title={title} className="c-6" note={t("own.where")}>
      <div className="stack">{children}</div>
    </Panel>
  );
}

export function OwnSettings() {
  const preferences = usePreferences();
  return (
    <div className="grid">
      <Group title={t("own.look")}>
        <Choice
          name={t("own.theme")}
          field="theme"
          options={[
            ["system", t("own.themeSystem")],
            ["dark", t("own.themeDark")],
            ["light", t("own.themeLight")],
          ]}
        />
        <Choice
          name={t("own.palette")}
          field="palette"
          options={[
            ["standard", t("own.paletteStandard")],
            ["colour-blind", t("own.paletteColourBlind")],
          ]}
        />
        <Choice
          name={t("own.density")}
          field="density"
          options={[
            ["compact", t("own.compact")],
            ["comfortable", t("own.comfortable")],
          ]}
        />
      </Group>
      <Group title={t("own.formats")}>
        <Choice
          name={t("own.zone")}
          field="zone"
          options={[
            ["utc", t("own.zoneUtc")],
            ["local", t("own.zoneLocal", { name: zoneName("local") })],
          ]}
        />
        <Choice
          name={t("own.numbers")}
          field="numbers"
          options={[
            ["point", "1,234.56"],
            ["comma", "1.234,56"],
            ["space", "1 234,56"],
          ]}
        />
      </Group>
      <Group title={t("own.keys")}>
        <Switch
          label={t("own.letters")}
          description={t("own.lettersHint")}
          checked={preferences.areLetterKeysOn}
          onChange={(event) => setPreferences({ areLetterKeysOn: event.currentTarget.checked })}
        />
        <Switch
          label={t("own.sound")}
          checked={preferences.isFillSoundOn}
          onChange={(event) => setPreferences({ isFillSoundOn: event.currentTarget.checked })}
        />
      </Group>
      <Password />
    </div>
  );
}

const PASSWORD_MIN = 10;

function PasswordForm() {
  const [words, setWords] = useState({ old: "", next: "", again: "" });
  const [error, setError] = useState<ApiError | null>(null);
  const [isPending, setPending] = useState(false);
  const isReady = words.old !== "" && words.next.length >= PASSWORD_MIN && words.next === words.again;
  const submit = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    setPending(true);
    setError(null);
    try {
      await unwrap(api().POST("/api/auth/password", { body: { old_password: words.old, new_password: words.next } }));
      setWords({ old: "", next: "", again: "" });
      toastDone(t("password.done"));
    } catch (thrown) {
      setError(toApiError(thrown));
    } finally {
      setPending(false);
    }
  };
  return (
    <form className={`stack ${css.narrow}`} onSubmit={(event) => void submit(event)}>
      <PasswordInput
        label={t("password.old")}
        autoComplete="current-password"
        value={words.old}
        onChange={(event) => setWords({ ...words, old: event.currentTarget.value })}
      />
      <PasswordInput
        label={t("password.new")}
        description={t("password.short")}
        autoComplete="new-password"
        value={words.next}
        onChange={(event) => setWords({ ...words, next: event.currentTarget.value })}
      />
      <PasswordInput
        label={t("password.repeat")}
        autoComplete="new-password"
        error={words.again !== "" && words.again !== words.next ? t("password.differs") : null}
        value={words.again}
        onChange={(event) => setWords({ ...words, again: event.currentTarget.value })}
      />
      {error && <ErrorNote name={t("password.title")} error={error} />}
      <Button type="submit" disabled={!isReady} loading={isPending}>
        {t("password.submit")}
      </Button>
    </form>
  );
}

function Password() {
  const { data: me } = useQuery(meQuery);
  return (
    <Panel title={t("password.title")} className="c-6">
      {me?.auth_enabled ? <PasswordForm /> : <p className="text-2">{t("password.off")}</p>}
    </Panel>
  );
}
