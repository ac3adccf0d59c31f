import { useRef, useState } from "react";
import { useFeedMessages } from "../api/live";
import { formatPrice, formatQuantity, shortSymbol } from "../domain/format";
import { frameText as t } from "../texts/frame";

const EVERY_MS = 5000;

/** What happens, for screen readers: fills and signals politely, at most one each five seconds; an emergency at once. */
export function Announcer() {
  const [polite, setPolite] = useState("");
  const [assertive, setAssertive] = useState("");
  const lastAt = useRef(0);
  useFeedMessages(["FILL", "SIGNAL", "KILL_SWITCH"], ({ type, data, receivedAt }) => {
    if (type === "KILL_SWITCH") {
      if (data["latched"] === true)
        setAssertive(t("announce.emergency", { reason: String(data["reason"] ?? data["cause"] ?? "") }));
      return;
    }
    if (receivedAt - lastAt.current < EVERY_MS) return;
    lastAt.current = receivedAt;
    const symbol = shortSymbol(String(data["symbol"] ?? ""));
    const side = String(data["side"] ?? "");
    setPolite(
      type === "SIGNAL"
        ? t("announce.signal", { side, symbol })
        : t("announce.fill", {
            side,
            symbol,
            qty: formatQuantity(Number(data["qty"])),
            price: formatPrice(Number(data["price"])),
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
