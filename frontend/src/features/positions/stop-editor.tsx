import { Button, Modal, NumberInput } from "@mantine/core";
import { useState } from "react";
import { CommandButton, useCommandHost } from "../../commands/host";
import { breakeven, moveStop } from "../../commands/positions";
import type { Position } from "../../api/types";
import { formatPrice, formatR, formatUsd, shortSymbol } from "../../domain/format";
import { judgeStop, riskAt, riskInR, type StopVerdict } from "../../domain/position";
import { positionsText as t } from "../../texts/positions";
import { uiText } from "../../texts/ui";
import { PriceBar } from "./price-bar";

function riskText(position: Position, stop: number): string {
  const usd = riskAt(position, stop);
  const r = riskInR(position, stop);
  return usd >= 0
    ? t("stop.atRisk", { usd: formatUsd(usd), r: formatR(r === null ? null : -r) })
    : t("stop.locked", { usd: formatUsd(-usd), r: formatR(r === null ? null : -r) });
}

function verdictText(position: Position, verdict: StopVerdict): string {
  switch (verdict.kind) {
    case "tighten":
      return t("stop.tighten", { less: formatUsd(-verdict.riskChangeUsd) });
    case "loosen":
      return t("stop.loosen", { more: formatUsd(verdict.riskChangeUsd) });
    case "unchanged":
      return t("stop.unchanged");
    case "invalid":
      return t("stop.invalid");
    case "beyond-price":
      return t("stop.beyondPrice");
    case "beyond-initial":
      return t("stop.beyondInitial", { price: formatPrice(position.stop_initial, position.symbol) });
  }
}

function StopForm({ position, at, onDone }: { position: Position; at: number; onDone: () => void }) {
  const { give } = useCommandHost();
  const [price, setPrice] = useState<number | null>(at);
  const [isPending, setPending] = useState(false);
  const verdict = judgeStop(position, price);
  const isMove = verdict.kind === "tighten" || verdict.kind === "loosen";
  const isWrong = verdict.kind === "beyond-price" || verdict.kind === "beyond-initial";
  const submit = async (): Promise<void> => {
    if (!isMove || price === null || isPending) return;
    setPending(true);
    const isDone = await give(moveStop, { position, price });
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
      <PriceBar position={position} stop={price} onStop={setPrice} hasLabels />
      <NumberInput
        label={t("stop.price")}
        description={t("stop.hint")}
        value={price ?? ""}
        onChange={(value) => setPrice(typeof value === "number" ? value : null)}
        min={0}
        hideControls
        decimalScale={8}
        error={isWrong ? verdictText(position, verdict) : undefined}
        data-autofocus
      />
      <div>
        <p className="text-2">
          {t("stop.now", { price: formatPrice(position.stop, position.symbol), risk: riskText(position, position.stop) })}
        </p>
        {isMove && price !== null && (
          <p>{t("stop.at", { price: formatPrice(price, position.symbol), risk: riskText(position, price) })}</p>
        )}
        {!isWrong && <p className={verdict.kind === "loosen" ? "tone-warn" : "text-2"}>{verdictText(position, verdict)}</p>}
      </div>
      <div className="spread">
        <CommandButton command={breakeven} args={{ position }} />
        <div className="row">
          <Button variant="default" onClick={onDone}>
            {uiText("confirm.cancel")}
          </Button>
          <Button type="submit" disabled={!isMove} loading={isPending}>
            {moveStop.label({ position, price: price ?? 0 })}
          </Button>
        </div>
      </div>
    </form>
  );
}

interface StopEditorProps {
  position: Position;
  isOpen: boolean;
  /** Where it was dropped on the chart; else where the stop is. */
  at?: number | undefined;
  onClose: () => void;
}

/** Moves the stop: typed, or dragged on the bar; says what is at risk there. */
export function StopEditor({ position, isOpen, at, onClose }: StopEditorProps) {
  return (
    <Modal
      opened={isOpen}
      onClose={onClose}
      title={t("stop.title", { symbol: shortSymbol(position.symbol) })}
      closeButtonProps={{ "aria-label": uiText("confirm.cancel") }}
    >
      <StopForm position={position} at={at ?? position.stop} onDone={onClose} />
    </Modal>
  );
}
