import { Modal, TextInput } from "@mantine/core";
import { type KeyboardEvent, type ReactNode, useId, useState } from "react";
import { filterRows } from "../domain/rows";
import { uiText as t } from "../texts/ui";
import { Keys } from "./keys";
import css from "./palette.module.css";

export interface PaletteItem {
  id: string;
  group: string;
  label: string;
  icon?: ReactNode;
  keys?: string | undefined;
  /** Why it can't be chosen now. */
  blocked?: string | undefined;
  run: () => void;
}

const SHOWN_MAX = 60;

/** Everything that can be reached or done, by typing a part of its name. */
export function CommandPalette({
  isOpen,
  items,
  onClose,
}: {
  isOpen: boolean;
  items: readonly PaletteItem[];
  onClose: () => void;
}) {
  return (
    <Modal
      opened={isOpen}
      onClose={onClose}
      withCloseButton={false}
      styles={{ header: { display: "none" }, body: { paddingTop: "var(--mantine-spacing-md)" } }}
      title={<span className="visually-hidden">{t("palette.title")}</span>}
      yOffset="10vh"
      centered={false}
      size="lg"
    >
      <PaletteBody items={items} onClose={onClose} />
    </Modal>
  );
}

function PaletteBody({ items, onClose }: { items: readonly PaletteItem[]; onClose: () => void }) {
  const [query, setQuery] = useState("");
  const [at, setAt] = useState(0);
  const id = useId();
  const matching = filterRows(items, query, (item) => `${item.label} ${item.group}`);
  // "Reset" is meant before "Reload preset", which has the word inside.
  const beginsSo = (item: PaletteItem): boolean => item.label.toLowerCase().startsWith(query.trim().toLowerCase());
  const found = [...matching.filter(beginsSo), ...matching.filter((item) => !beginsSo(item))].slice(0, SHOWN_MAX);
  const active = Math.min(at, found.length - 1);
  const choose = (item: PaletteItem | undefined): void => {
    if (!item || item.blocked !== undefined) return;
    onClose();
    // The dialog gives the focus back first, so that the next one can take it.
    setTimeout(item.run, 0);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      const next = (active + step + found.length) % Math.max(1, found.length);
      setAt(next);
      document.getElementById(`${id}-${next}`)?.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter") {
      event.preventDefault();
      choose(found[active]);
    }
  };
  return (
    <>
      <TextInput
        size="md"
        role="combobox"
        aria-expanded
        aria-controls={`${id}-list`}
        aria-activedescendant={found.length > 0 ? `${id}-${active}` : undefined}
        aria-label={t("palette.title")}
        placeholder={t("palette.hint")}
        value={query}
        onChange={(event) => {
          setQuery(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
        data-autofocus
      />
      <div className={css.list} role="listbox" id={`${id}-list`} aria-label={t("palette.title")} tabIndex={-1}>
        {found.map((item, index) => (
          <div key={item.id}>
            {found[index - 1]?.group !== item.group && (
              <div className={css.group} role="presentation">
                {item.group}
              </div>
            )}
            {/* eslint-disable-next-line jsx-a11y/click-events-have-key-events -- the combobox above handles the keys */}
            <div
              id={`${id}-${index}`}
              role="option"
              tabIndex={-1}
              aria-selected={index === active}
              aria-disabled={item.blocked !== undefined}
              className={[css.item, index === active && css.active, item.blocked !== undefined && css.off]
                .filter(Boolean)
                .join(" ")}
              onPointerMove={() => setAt(index)}
              onClick={() => choose(item)}
            >
              {item.icon}
              <span>{item.label}</span>
              <span className={css.note}>{item.blocked ?? (item.keys === undefined ? null : <Keys keys={item.keys} />)}</span>
            </div>
          </div>
        ))}
        {found.length === 0 && <p className={css.group}>{t("palette.none", { query })}</p>}
      </div>
    </>
  );
}
