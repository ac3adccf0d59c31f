import { notifications } from "@mantine/notifications";
import { toApiError } from "../domain/problem";
import { uiText as t } from "../texts/ui";

const close = { closeButtonProps: { "aria-label": t("toast.close") } };

/** The server's message of an action that was done. */
export function toastDone(message: string, title?: string): void {
  notifications.show({ ...close, message, title, color: "up", autoClose: 6000, role: "status" });
}

/** An action that was not even tried, and why. */
export function toastRefused(title: string, why: string): void {
  notifications.show({ ...close, message: why, title, color: "down", autoClose: false, role: "alert" });
}

/** A failed action: stays until closed, with code and request id. */
export function toastFailed(title: string, thrown: unknown): void {
  const error = toApiError(thrown);
  notifications.show({
    ...close,
    title,
    message: (
      <>
        {error.message}
        <br />
        <span className="small text-3">
          {t("panel.code", { code: error.code })}
          {error.requestId !== null && ` · ${t("panel.request", { id: error.requestId })}`}
        </span>
      </>
    ),
    color: "down",
    autoClose: false,
    role: "alert",
  });
}
