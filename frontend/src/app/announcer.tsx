import { useRef, useState } from "react";
import { useFeedMessages } from "../api/live";
import { formatPrice, formatQuantity, shortSymbol } from "../domain/format";
import { usePreferences } from "../hooks/preferences";
import { frameText as t } from "../texts/frame";
import { playFill } from "./fill-sound";

const EVERY_MS = 5000;

function word(value: unknown): string {
  return typeof value === "string" ? value : "";
}
function figure(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

/** What happens, for screen readers: fills and signals politely, at most one each five seconds; an emergency at once. A fill may sound, too. */
export function Announcer() {
  const { isFillSoundOn } = usePreferences();
  const [polite, setPolite] = useState("");
  const [assertive, setAssertive] = useState("");
  const lastAt = useRef(0);
  useFeedMessages(["FILL", "SIGNAL", "KILL_SWITCH"], ({ type, data, receivedAt }) => {
    if (type === "KILL_SWITCH") {
      if (data["latched"] === true) setAssertive(t("announce.emergency", { reason: word(data["reason"] ?? data["cause"]) }));
      return;
    }
    if (type === "FILL" && isFillSoundOn) playFill();
    if (receivedAt - lastAt.current < EVERY_MS) return;
    lastAt.current = receivedAt;
    const symbol = shortSymbol(word(data["symbol"]));
    const side = word(data["side"]);
    setPolite(
      type === "SIGNAL"
        ? t("announce.signal", { side, symbol })
        : t("announce.fill", {
            side,
            symbol,
            qty: formatQuantity(figure(data["qty"]), word(data["symbol"])),
            price: formatPrice(figure(data["price"]), word(data["symbol"])),
          }),
    );
  });
  return (
    <div className="visually-hidden">
      <div aria-live="polite">{polite}</div>
      <div aria-live="assertive">{assertive}</div>
    </div>
  );
}
