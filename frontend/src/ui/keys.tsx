import { Modal } from "@mantine/core";
import { type RefObject, useEffect, useRef, useSyncExternalStore } from "react";
import { usePreferences, getPreferences } from "../hooks/preferences";
import { uiText as t } from "../texts/ui";
import css from "./keys.module.css";

/** A key or a sequence: "j", "g d", "mod+k" (Ctrl or Cmd), "shift+p", "Enter", "?". */
export interface Shortcut {
  keys: string;
  label: string;
  run: (event: KeyboardEvent) => void;
}

interface Entry {
  group: string;
  list: readonly Shortcut[];
}

const SEQUENCE_MS = 1200;
const entries = new Set<Entry>();
const listeners = new Set<() => void>();
let snapshot: readonly Entry[] = [];

function changed(): void {
  snapshot = [...entries];
  for (const listener of listeners) listener();
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

function nameOf(event: KeyboardEvent): string {
  const isLetter = /^[a-z]$/i.test(event.key);
  const key = event.key === " " ? "Space" : isLetter ? event.key.toLowerCase() : event.key;
  const mod = event.ctrlKey || event.metaKey ? "mod+" : "";
  return `${mod}${isLetter && event.shiftKey ? "shift+" : ""}${key}`;
}

let pending = "";
let pendingAt = 0;

/** Keys that act on a focused control belong to it. */
function belongsToControl(event: KeyboardEvent, name: string): boolean {
  if (name !== "Enter" && name !== "Space") return false;
  return (
    event.target instanceof HTMLElement &&
    event.target.closest("a, button, summary, [role=button], [role=option], [role=tab], [role=menuitem]") !== null
  );
}

function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.altKey) return;
  const name = nameOf(event);
  const hasModifier = name.startsWith("mod+");
  if (!hasModifier && (isTyping(event.target) || belongsToControl(event, name))) return;
  // Inside a dialog only the dialog's own keys count.
  if (!hasModifier && event.target instanceof HTMLElement && event.target.closest("[role=dialog]")) return;
  if (!hasModifier && /^(shift\+)?.$/.test(name) && !getPreferences().areLetterKeysOn) return;
  const sequence = pending !== "" && event.timeStamp - pendingAt < SEQUENCE_MS ? `${pending} ${name}` : name;
  // The newest page wins over the frame.
  for (const entry of [...entries].reverse())
    for (const shortcut of entry.list)
      if (shortcut.keys === sequence) {
        pending = "";
        event.preventDefault();
        shortcut.run(event);
        return;
      }
  const isPrefix = [...entries].some((entry) => entry.list.some((shortcut) => shortcut.keys.startsWith(`${sequence} `)));
  pending = isPrefix ? sequence : "";
  pendingAt = event.timeStamp;
}

function listen(): void {
  if (entries.size === 1) document.addEventListener("keydown", onKey);
}
function unlisten(): void {
  if (entries.size === 0) document.removeEventListener("keydown", onKey);
}

/** Keys that work while the component is on the page; the help overlay lists them under `group`. An empty list registers nothing. */
export function useShortcuts(group: string, list: readonly Shortcut[]): void {
  const latest = useRef(list);
  useEffect(() => {
    latest.current = list;
  });
  const signature = list.map((shortcut) => `${shortcut.keys}\t${shortcut.label}`).join("\n");
  useEffect(() => {
    if (signature === "") return;
    const entry: Entry = {
      group,
      list: signature.split("\n").map((line, index) => {
        const [keys = "", label = ""] = line.split("\t");
        return { keys, label, run: (event) => latest.current[index]?.run(event) };
      }),
    };
    entries.add(entry);
    listen();
    changed();
    return () => {
      entries.delete(entry);
      unlisten();
      changed();
    };
  }, [group, signature]);
}

/** The field that `/` goes to. */
export function useSearchKey(): RefObject<HTMLInputElement | null> {
  const input = useRef<HTMLInputElement>(null);
  useShortcuts(t("table.focusFilter"), [{ keys: "/", label: t("table.focusFilter"), run: () => input.current?.focus() }]);
  return input;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const isApple = typeof navigator !== "undefined" && /Mac|iPhone|iPad/.test(navigator.userAgent);

export function Keys({ keys }: { keys: string }) {
  const parts = keys.split(" ").map((stroke) =>
    stroke
      .split("+")
      .map((part) => (part === "mod" ? (isApple ? "⌘" : "Ctrl") : part === "shift" ? "Shift" : part))
      .join(" "),
  );
  return (
    <span className={css.keys}>
      {parts.map((part) => (
        <kbd key={part} className={css.key}>
          {part}
        </kbd>
      ))}
    </span>
  );
}

/** Every key that works now, by group. */
export function KeyHelp({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const groups = useSyncExternalStore(subscribe, () => snapshot);
  const { areLetterKeysOn } = usePreferences();
  const byGroup = new Map<string, Shortcut[]>();
  for (const { group, list } of groups) byGroup.set(group, [...(byGroup.get(group) ?? []), ...list]);
  return (
    <Modal
      opened={isOpen}
      onClose={onClose}
      title={t("keys.title")}
      size="lg"
      closeButtonProps={{ "aria-label": t("toast.close") }}
    >
      {!areLetterKeysOn && <p className="text-2">{t("keys.off")}</p>}
      <div className={css.groups}>
        {[...byGroup].map(([group, list]) => (
          <section key={group}>
            <h3 className={css.group}>{group}</h3>
            <dl className={css.list}>
              {list.map((shortcut) => (
                <div key={shortcut.keys} className={css.line}>
                  <dt>{shortcut.label}</dt>
                  <dd>
                    <Keys keys={shortcut.keys} />
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Modal>
  );
}
