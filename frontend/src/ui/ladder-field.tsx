import { ActionIcon, Button, Select, TextInput } from "@mantine/core";
import { Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { formatFraction, formatNumber, humanise } from "../domain/format";
import { ladderOf, nextRung, plainNumber, type Rung, runnerShare, type SchemaNode } from "../domain/preset-schema";
import { presetsText as t } from "../texts/presets";
import css from "./schema-form.module.css";

const WIDTH = 220;
const HEIGHT = 96;
const MARGIN = { left: 36, right: 8, top: 8, bottom: 18 };

/** What is left of the position at each R: a stair that goes down at every rung. */
function LadderDrawing({ rungs }: { rungs: readonly Rung[] }) {
  const steps = rungs
    .filter(
      (rung): rung is Rung & { reward_multiple: number; size_pct: number } =>
        rung.reward_multiple !== null && rung.size_pct !== null,
    )
    .sort((a, b) => a.reward_multiple - b.reward_multiple);
  if (steps.length === 0) return null;
  const last = steps.at(-1)?.reward_multiple ?? 1;
  const end = last * 1.15 || 1;
  const x = (r: number): number => MARGIN.left + (Math.max(0, r) / end) * (WIDTH - MARGIN.left - MARGIN.right);
  const y = (share: number): number => MARGIN.top + (1 - Math.min(1, Math.max(0, share))) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  let left = 1;
  const points: string[] = [`M ${x(0)} ${y(0)} L ${x(0)} ${y(1)}`];
  const words: string[] = [];
  for (const step of steps) {
    points.push(`L ${x(step.reward_multiple)} ${y(left)}`);
    left -= step.size_pct;
    points.push(`L ${x(step.reward_multiple)} ${y(left)}`);
    words.push(`${formatNumber(step.reward_multiple)} R ${formatFraction(Math.max(0, left), false, 0)}`);
  }
  points.push(`L ${x(end)} ${y(left)} L ${x(end)} ${y(0)} Z`);
  return (
    <svg
      className={css.drawing}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={t("ladder.drawing", { text: words.join(", ") })}
    >
      <path d={points.join(" ")} className={css.stair} />
      <line x1={MARGIN.left} x2={WIDTH - MARGIN.right} y1={y(0)} y2={y(0)} className={css.axis} />
      {[0, 0.5, 1].map((share) => (
        <text key={share} x={MARGIN.left - 4} y={y(share) + 3} textAnchor="end" className={css.tick}>
          {formatFraction(share, false, 0)}
        </text>
      ))}
      {steps.map((step, index) => (
        <text key={index} x={x(step.reward_multiple)} y={HEIGHT - 5} textAnchor="middle" className={css.tick}>
          {formatNumber(step.reward_multiple, Number.isInteger(step.reward_multiple) ? 0 : 1)}
        </text>
      ))}
    </svg>
  );
}

function RungNumber({
  label,
  value,
  isDisabled,
  onChange,
}: {
  label: string;
  value: number | null;
  isDisabled: boolean;
  onChange: (value: number | null) => void;
}) {
  const [typed, setTyped] = useState<string | null>(null);
  const parse = (text: string): number | null => {
    const number = Number(text.replace(",", "."));
    return text.trim() === "" || !Number.isFinite(number) ? null : number;
  };
  const text = typed !== null && parse(typed) === value ? typed : value === null ? "" : plainNumber(value);
  return (
    <TextInput
      aria-label={label}
      inputMode="decimal"
      value={text}
      disabled={isDisabled}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        onChange(parse(event.currentTarget.value));
      }}
    />
  );
}

interface LadderFieldProps {
  node: SchemaNode;
  value: unknown;
  isDisabled: boolean;
  onChange: (value: unknown) => void;
}

/** The ladder of targets: a row a rung, and what each leaves of the position. */
export function LadderField({ node, value, isDisabled, onChange }: LadderFieldProps) {
  const rungs = ladderOf(value);
  const modes = node.items?.properties?.["placement_mode"]?.enum ?? [];
  const max = node.maxItems ?? Number.POSITIVE_INFINITY;
  const change = (at: number, patch: Partial<Rung>): void =>
    onChange(rungs.map((rung, index) => (index === at ? { ...rung, ...patch } : rung)));
  const runner = formatFraction(runnerShare(rungs), false, 0);
  return (
    <div className={css.ladder}>
      <div className="stack">
        {rungs.length > 0 && (
          <table className={css.rungs}>
            <thead>
              <tr>
                <th scope="col">{t("ladder.headName")}</th>
                <th scope="col">{t("ladder.headReward")}</th>
                <th scope="col">{t("ladder.headSize")}</th>
                <th scope="col">{t("ladder.headMode")}</th>
                <td />
              </tr>
            </thead>
            <tbody>
              {rungs.map((rung, index) => (
                <tr key={index}>
                  <td>
                    <TextInput
                      aria-label={t("ladder.name", { n: index + 1 })}
                      value={rung.level_name}
                      disabled={isDisabled}
                      onChange={(event) => change(index, { level_name: event.currentTarget.value })}
                    />
                  </td>
                  <td>
                    <RungNumber
                      label={t("ladder.reward", { n: index + 1 })}
                      value={rung.reward_multiple}
                      isDisabled={isDisabled}
                      onChange={(next) => change(index, { reward_multiple: next })}
                    />
                  </td>
                  <td>
                    <RungNumber
                      label={t("ladder.size", { n: index + 1 })}
                      value={rung.size_pct}
                      isDisabled={isDisabled}
                      onChange={(next) => change(index, { size_pct: next })}
                    />
                  </td>
                  <td>
                    <Select
                      aria-label={t("ladder.mode", { n: index + 1 })}
                      data={modes.map((word) => ({ value: word, label: humanise(word) }))}
                      value={rung.placement_mode}
                      disabled={isDisabled}
                      onChange={(next) => change(index, { placement_mode: next ?? rung.placement_mode })}
                    />
                  </td>
                  <td>
                    {!isDisabled && (
                      <ActionIcon
                        aria-label={t("ladder.remove", { n: index + 1 })}
                        onClick={() => onChange(rungs.filter((_, at) => at !== index))}
                      >
                        <Trash2 size={14} aria-hidden />
                      </ActionIcon>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
        <div className="row">
          {!isDisabled && (
            <Button
              variant="default"
              leftSection={<Plus size={14} aria-hidden />}
              disabled={rungs.length >= max}
              title={rungs.length >= max ? t("ladder.full") : undefined}
              onClick={() => onChange([...rungs, nextRung(rungs)])}
            >
              {t("ladder.add")}
            </Button>
          )}
          <span className="small text-3">{t("ladder.summary", { n: rungs.length, runner })}</span>
        </div>
      </div>
      <LadderDrawing rungs={rungs} />
    </div>
  );
}
