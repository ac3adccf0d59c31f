import { Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { accountQuery, engineQuery, presetsQuery, riskQuery, sessionsQuery } from "../../api/queries";
import type { EngineStatus, Preset } from "../../api/types";
import { start, startLive } from "../../commands/engine";
import { CommandButton } from "../../commands/host";
import { formatFraction, formatUsd, humanise } from "../../domain/format";
import { engineText as t } from "../../texts/engine";
import { Fact } from "../../ui/fact";
import { Panel } from "../../ui/panel";
import { Time } from "../../ui/time";
import { Percent, Plain, Value } from "../../ui/value";
import css from "./engine.module.css";

/** What a live start is about: account, limits, difference to the last session. */
function useLiveFacts(): string[] {
  const { data: account } = useQuery(accountQuery);
  const { data: risk } = useQuery(riskQuery);
  const { data: sessions } = useQuery(sessionsQuery);
  const last = sessions?.[0];
  return [
    t("live.equity", { equity: formatUsd(account?.equity_usd), venue: account?.venue ?? "", mode: account?.mode ?? "" }),
    t("live.limits", { day: formatFraction(risk?.day_loss_used), kill: formatFraction(risk?.kill_limit_used) }),
    last ? t("live.last", { preset: last.preset ?? "", trades: last.trades }) : t("live.first"),
  ];
}

interface Choice {
  preset: string;
  mode: string;
}

function PresetFacts({ preset }: { preset: Preset }) {
  return (
    <dl className={css.facts}>
      <Fact name={t("session.risk")}>
        <Percent value={preset.risk_per_trade} of="fraction" />
      </Fact>
      <Fact name={t("session.slots")}>
        <Plain value={preset.max_positions} digits={0} />
      </Fact>
      <Fact name={t("session.priority")}>
        <Value>{preset.strategy_priority == null ? null : humanise(preset.strategy_priority)}</Value>
      </Fact>
      <Fact name={t("session.description")}>
        <Value>{preset.description}</Value>
      </Fact>
    </dl>
  );
}

/** Preset and mode of the next session, with the preset's main numbers. */
function StartForm({
  presets,
  choice,
  onChoice,
}: {
  presets: readonly Preset[];
  choice: Choice;
  onChoice: (patch: Partial<Choice>) => void;
}) {
  const facts = useLiveFacts();
  const chosen = presets.find((preset) => preset.name === choice.preset) ?? presets.find((preset) => preset.in_use) ?? presets[0];
  if (!chosen) return null;
  const isLive = choice.mode === "live";
  return (
    <div className="stack">
      <div className={css.choice}>
        <Select
          label={t("session.preset")}
          data={presets.map((preset) => preset.name)}
          value={chosen.name}
          onChange={(name) => onChoice({ preset: name ?? "" })}
          searchable
          w={230}
        />
        <Select
          label={t("session.mode")}
          data={[
            { value: "paper", label: t("session.paper") },
            { value: "live", label: t("session.live") },
          ]}
          value={isLive ? "live" : "paper"}
          onChange={(mode) => onChoice({ mode: mode ?? "paper" })}
          w={200}
        />
        {isLive ? (
          <CommandButton command={startLive} args={{ preset: chosen.name, facts }} variant="filled" />
        ) : (
          <CommandButton command={start} args={{ preset: chosen.name }} variant="filled" />
        )}
      </div>
      <PresetFacts preset={chosen} />
    </div>
  );
}

function RunningFacts({ engine, preset }: { engine: EngineStatus; preset: Preset | undefined }) {
  return (
    <div className="stack">
      <dl className={css.facts}>
        <Fact name={t("session.title")}>
          <Value>{engine.session_id}</Value>
        </Fact>
        <Fact name={t("session.preset")}>
          {engine.preset === null ? (
            <Value>{null}</Value>
          ) : (
            <Link to="/presets/$name" params={{ name: engine.preset }}>
              {engine.preset}
            </Link>
          )}
        </Fact>
        <Fact name={t("session.mode")}>
          <Value>{engine.mode}</Value>
        </Fact>
        <Fact name={t("session.venue")}>
          <Value>{engine.venue}</Value>
        </Fact>
        <Fact name={t("session.feed")}>
          <Value>{engine.feed}</Value>
        </Fact>
        <Fact name={t("session.started")}>
          <Time at={engine.started_at} />
        </Fact>
        <Fact name={t("session.hash")}>
          <span className="mono">
            <Value>{engine.preset_hash?.slice(0, 12)}</Value>
          </span>
        </Fact>
      </dl>
      {preset && <PresetFacts preset={preset} />}
    </div>
  );
}

const AT_REST = new Set(["idle", "stopped"]);

export function SessionPanel({ choice, onChoice }: { choice: Choice; onChoice: (patch: Partial<Choice>) => void }) {
  const { data: engine } = useQuery(engineQuery);
  const presets = useQuery(presetsQuery);
  return (
    <Panel
      title={t("session.title")}
      query={presets}
      className="c-7"
      actions={<Link to="/presets">{t("session.presets")}</Link>}
      empty={(rows) =>
        rows.length > 0 ? null : { text: t("session.noPreset"), action: <Link to="/presets">{t("session.presets")}</Link> }
      }
    >
      {(rows) => {
        if (!engine) return null;
        if (AT_REST.has(engine.session_state)) return <StartForm presets={rows} choice={choice} onChoice={onChoice} />;
        return <RunningFacts engine={engine} preset={rows.find((row) => row.name === engine.preset)} />;
      }}
    </Panel>
  );
}
