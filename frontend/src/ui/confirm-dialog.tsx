import { Button, Modal, Textarea, TextInput } from "@mantine/core";
import { type ReactNode, useEffect, useId, useRef, useState } from "react";
import type { ApiError } from "../domain/problem";
import { uiText as t } from "../texts/ui";
import css from "./confirm-dialog.module.css";
import { ErrorNote } from "./panel";

/** plain: Enter confirms. hold: press for a second or press twice. type: the word must be typed. */
export type ConfirmForm = { kind: "plain" } | { kind: "hold" } | { kind: "type"; word: string };

interface ConfirmDialogProps {
  isOpen: boolean;
  title: string;
  form: ConfirmForm;
  /** What will happen, in numbers; one line each. */
  effect: readonly ReactNode[];
  confirmLabel: string;
  isDangerous?: boolean;
  needsReason?: boolean;
  isPending?: boolean;
  error?: ApiError | null;
  /** More fields of the order (a fraction, a price); confirming is off while isBlocked. */
  children?: ReactNode;
  isBlocked?: boolean;
  onConfirm: (reason: string) => void;
  onClose: () => void;
}

const HOLD_MS = 1000;
const AGAIN_MS = 4000;

/** A button for what can't be taken back: hold it for a second, or press it twice (Enter twice on a keyboard). */
function HoldButton({
  label,
  isDangerous,
  disabled,
  isPending,
  onConfirm,
}: {
  label: string;
  isDangerous: boolean;
  disabled: boolean;
  isPending: boolean;
  onConfirm: () => void;
}) {
  const [isHolding, setHolding] = useState(false);
  const [isArmed, setArmed] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const isFired = useRef(false);
  useEffect(() => () => clearTimeout(timer.current), []);
  const hold = (): void => {
    isFired.current = false;
    setHolding(true);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      isFired.current = true;
      setHolding(false);
      onConfirm();
    }, HOLD_MS);
  };
  const release = (): void => {
    if (!isHolding) return;
    setHolding(false);
    clearTimeout(timer.current);
  };
  const press = (): void => {
    if (isFired.current) {
      isFired.current = false;
      return;
    }
    clearTimeout(timer.current);
    if (isArmed) {
      setArmed(false);
      onConfirm();
      return;
    }
    setArmed(true);
    timer.current = setTimeout(() => setArmed(false), AGAIN_MS);
  };
  return (
    <Button
      color={isDangerous ? "down" : "accent"}
      className={`${css.hold} ${isHolding ? css.holding : ""}`}
      disabled={disabled}
      loading={isPending}
      onPointerDown={hold}
      onPointerUp={release}
      onPointerLeave={release}
      onClick={press}
      data-autofocus
    >
      {isArmed ? t("confirm.again") : label}
    </Button>
  );
}

/** Asks before an order is given: says the effect in numbers and, by its weight, wants Enter, a second of holding, or a typed word. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  const { isOpen, title, onClose } = props;
  return (
    <Modal opened={isOpen} onClose={onClose} title={title} closeButtonProps={{ "aria-label": t("confirm.cancel") }}>
      <ConfirmBody {...props} />
    </Modal>
  );
}

/* Mounted with the dialog, so that what was typed is gone when it opens again. */
function ConfirmBody(props: ConfirmDialogProps) {
  const {
    title,
    form,
    effect,
    confirmLabel,
    isDangerous = false,
    needsReason = false,
    isPending = false,
    error,
    children,
    isBlocked = false,
    onConfirm,
    onClose,
  } = props;
  const [typed, setTyped] = useState("");
  const [reason, setReason] = useState("");
  const formId = useId();
  const isReady = !isBlocked && (form.kind !== "type" || typed === form.word) && (!needsReason || reason.trim() !== "");
  const confirm = (): void => {
    if (isReady && !isPending) onConfirm(reason.trim());
  };
  return (
    <form
      id={formId}
      onSubmit={(event) => {
        event.preventDefault();
        if (form.kind !== "hold") confirm();
      }}
    >
      {effect.length > 0 && (
        <div className={`${css.effect} ${isDangerous ? css.down : ""}`}>
          <ul className={css.lines}>
            {effect.map((line, index) => (
              <li key={index}>{line}</li>
            ))}
          </ul>
        </div>
      )}
      <div className="stack">
        {children}
        {needsReason && (
          <Textarea
            label={t("confirm.reason")}
            description={t("confirm.reasonHint")}
            required
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
            rows={2}
            maxLength={200}
            // A button that waits for the reason cannot take the focus.
            data-autofocus={form.kind === "type" ? undefined : true}
          />
        )}
        {form.kind === "type" && (
          <TextInput
            label={t("confirm.type", { word: form.word })}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            autoComplete="off"
            spellCheck={false}
            data-autofocus
          />
        )}
        {error && <ErrorNote name={title} error={error} />}
      </div>
      <div className={css.buttons}>
        {form.kind === "hold" && <span className="small text-3">{t("confirm.hold")}</span>}
        <Button variant="default" onClick={onClose}>
          {t("confirm.cancel")}
        </Button>
        {form.kind === "hold" ? (
          <HoldButton
            label={confirmLabel}
            isDangerous={isDangerous}
            disabled={!isReady}
            isPending={isPending}
            onConfirm={confirm}
          />
        ) : (
          <Button
            type="submit"
            color={isDangerous ? "down" : "accent"}
            disabled={!isReady}
            loading={isPending}
            {...(form.kind === "plain" ? { "data-autofocus": true } : {})}
          >
            {confirmLabel}
          </Button>
        )}
      </div>
    </form>
  );
}
