import { NumberInput, Textarea, TextInput } from "@mantine/core";
import type { SearchKind, SearchWords } from "../../domain/searches";
import { backtestsText as t } from "../../texts/backtests";
import css from "./backtests.module.css";

interface Props {
  kind: SearchKind;
  words: SearchWords;
  /** What the server says of a member of params; "parameters" stands for all keys. */
  errorOf: (member: string) => string | undefined;
  onChange: (patch: Partial<SearchWords>) => void;
}

const DEFAULT_OBJECTIVE = "r_efficiency";

const NUMBERS = [
  ["minTrades", "min_trades"],
  ["inDays", "in_days"],
  ["outDays", "out_days"],
  ["draws", "draws"],
] as const;

function isAsked(kind: SearchKind, member: string): boolean {
  if (member === "draws") return true;
  if (member === "min_trades") return kind !== "monte_carlo";
  return kind === "walk_forward";
}

/** What a search needs beside a backtest. */
export function SearchFields({ kind, words, errorOf, onChange }: Props) {
  return (
    <>
      {kind !== "monte_carlo" && (
        <>
          <Textarea
            className={css.whole}
            label={t("form.parameters")}
            description={t("form.parametersHint")}
            placeholder={"channel_config.period = 10:60:10\nchannel_config.target_r = 1,2,3"}
            rows={4}
            value={words.lines}
            error={errorOf("parameters")}
            onChange={(event) => onChange({ lines: event.currentTarget.value })}
          />
          <TextInput
            label={t("form.objective")}
            placeholder={DEFAULT_OBJECTIVE}
            value={words.objective}
            error={errorOf("objective")}
            onChange={(event) => onChange({ objective: event.currentTarget.value })}
          />
        </>
      )}
      {NUMBERS.filter(([, member]) => isAsked(kind, member)).map(([name, member]) => (
        <NumberInput
          key={name}
          label={t(`form.${member}`)}
          value={words[name]}
          error={errorOf(member)}
          hideControls
          onChange={(next) => onChange({ [name]: typeof next === "number" ? next : "" })}
        />
      ))}
    </>
  );
}
