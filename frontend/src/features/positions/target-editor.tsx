import { ActionIcon, Button, Modal, NumberInput, TextInput } from "@mantine/core";
import { Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import type { Position } from "../../api/types";
import { useCommandHost } from "../../commands/host";
import { setTargets } from "../../commands/positions";
import { formatFraction, formatR, formatUsd, shortSymbol } from "../../domain/format";
import {
  checkLadder,
  editableRungs,
  filledShare,
  isSound,
  ladderProfit,
  type Rung,
  rewardOf,
  RUNGS_MAX,
  signOf,
} from "../../domain/position";
import { positionsText as t } from "../../texts/positions";
import { uiText } from "../../texts/ui";
import { RMultiple } from "../../ui/value";
import css from "./target-editor.module.css";

function numberOf(value: number | string): number | null {
  return typeof value === "number" ? value : null;
}

interface RungRowProps {
  position: Position;
  rung: Rung;
  problem: string | null;
  onChange: (rung: Rung) => void;
  onRemove: () => void;
}

function RungRow({ position, rung, problem, onChange, onRemove }: RungRowProps) {
  return (
    <li className={css.rung}>
      <TextInput
        label={t("targets.name")}
        value={rung.level_name}
        maxLength={15}
        onChange={(event) => onChange({ ...rung, level_name: event.currentTarget.value })}
      />
      <NumberInput
        label={t("targets.price")}
        value={rung.price ?? ""}
        min={0}
        decimalScale={8}
        hideControls
        error={problem !== null}
        onChange={(value) => onChange({ ...rung, price: numberOf(value) })}
      />
      <NumberInput
        label={t("targets.size")}
        value={rung.size === null ? "" : Number((rung.size * 100).toFixed(4))}
        min={0}
        max={100}
        decimalScale={4}
        hideControls
        onChange={(value) => {
          const size = numberOf(value);
          onChange({ ...rung, size: size === null ? null : size / 100 });
        }}
      />
      <div className={css.reward}>
        <span className="small text-3">{t("targets.reward")}</span>
        <RMultiple value={rewardOf(position, rung.price)} />
      </div>
      <ActionIcon aria-label={t("targets.remove", { name: rung.level_name })} onClick={onRemove}>
        <Trash2 size={14} aria-hidden />
      </ActionIcon>
      {problem !== null && <p className={`${css.problem} small tone-down`}>{problem}</p>}
    </li>
  );
}

/** The next free name and a price one R beyond the last rung. */
function nextRung(position: Position, rungs: readonly Rung[]): Rung {
  const taken = new Set([...position.targets, ...rungs].map(({ level_name }) => level_name));
  let n = rungs.length + 1;
  while (taken.has(`TP${n}`)) n++;
  const last = rungs.at(-1)?.price ?? position.mark ?? position.entry;
  return { level_name: `TP${n}`, price: Number((last + signOf(position.side) * position.r_distance).toPrecision(6)), size: null };
}

function Effect({ position, rungs }: { position: Position; rungs: readonly Rung[] }) {
  const share = rungs.reduce((sum, { size }) => sum + (size ?? 0), 0);
  const filled = filledShare(position);
  const profit = ladderProfit(position, rungs);
  return (
    <div className="text-2">
      {filled > 0 && <p>{t("targets.filled", { share: formatFraction(filled, false, 1) })}</p>}
      {rungs.length === 0 ? (
        <p>{t("targets.none")}</p>
      ) : (
        <p>
          {t("targets.effect", {
            n: rungs.length,
            share: formatFraction(share, false, 1),
            left: formatFraction(Math.max(0, 1 - share - filled), false, 1),
          })}
        </p>
      )}
      {profit !== null && rungs.length > 0 && (
        <p>
          {t("targets.profit", {
            usd: formatUsd(profit, true),
            r: formatR(position.r_usd > 0 ? profit / position.r_usd : null),
          })}
        </p>
      )}
    </div>
  );
}

function TargetForm({ position, onDone }: { position: Position; onDone: () => void }) {
  const { give } = useCommandHost();
  const [rungs, setRungs] = useState(() => editableRungs(position));
  const [isPending, setPending] = useState(false);
  const problems = checkLadder(position, rungs);
  const submit = async (): Promise<void> => {
    if (!isSound(problems) || isPending) return;
    const targets = rungs.flatMap(({ level_name, price, size }) =>
      price === null || size === null ? [] : [{ level_name: level_name.trim(), price, size_pct: size }],
    );
    setPending(true);
    const isDone = await give(setTargets, { position, targets });
    setPending(false);
    if (isDone) onDone();
  };
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <ul className={css.rungs}>
        {rungs.map((rung, index) => {
          const problem = problems.rungs[index] ?? null;
          return (
            <RungRow
              key={index}
              position={position}
              rung={rung}
              problem={problem === null ? null : t(`targets.problem.${problem}`)}
              onChange={(next) => setRungs(rungs.map((each, at) => (at === index ? next : each)))}
              onRemove={() => setRungs(rungs.filter((_, at) => at !== index))}
            />
          );
        })}
      </ul>
      <div>
        <Button
          variant="subtle"
          leftSection={<Plus size={14} aria-hidden />}
          disabled={rungs.length >= RUNGS_MAX}
          onClick={() => setRungs([...rungs, nextRung(position, rungs)])}
        >
          {t("targets.add")}
        </Button>
      </div>
      <Effect position={position} rungs={rungs} />
      {problems.ladder !== null && (
        <p className="tone-down" role="alert">
          {t(`targets.problem.${problems.ladder}`)}
        </p>
      )}
      <div className="row" style={{ justifyContent: "flex-end" }}>
        <Button variant="default" onClick={onDone}>
          {uiText("confirm.cancel")}
        </Button>
        <Button type="submit" disabled={!isSound(problems)} loading={isPending}>
          {t("targets.apply")}
        </Button>
      </div>
    </form>
  );
}

/** Sets the ladder of targets: names, prices and sizes, with the effect in numbers; Enter confirms. */
export function TargetEditor({ position, isOpen, onClose }: { position: Position; isOpen: boolean; onClose: () => void }) {
  return (
    <Modal
      opened={isOpen}
      onClose={onClose}
      size="lg"
      title={t("targets.title", { symbol: shortSymbol(position.symbol) })}
      closeButtonProps={{ "aria-label": uiText("confirm.cancel") }}
    >
      <TargetForm position={position} onDone={onClose} />
    </Modal>
  );
}
