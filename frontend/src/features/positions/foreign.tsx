import { Button, Modal, NumberInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { accountQuery, engineQuery } from "../../api/queries";
import { useCommandHost } from "../../commands/host";
import { adopt } from "../../commands/positions";
import { formatPrice, shortSymbol } from "../../domain/format";
import { signOf } from "../../domain/position";
import { positionsText as t } from "../../texts/positions";
import { uiText } from "../../texts/ui";
import { type Column, DataTable } from "../../ui/data-table";
import { sideColumn } from "../../ui/columns";
import { Panel } from "../../ui/panel";
import { Price, Quantity } from "../../ui/value";
import type { ForeignPosition } from "./queries";

function AdoptForm({ foreign, onDone }: { foreign: ForeignPosition; onDone: () => void }) {
  const { give } = useCommandHost();
  const { data: engine } = useQuery(engineQuery);
  const [stop, setStop] = useState<number | null>(null);
  const preset = engine?.preset ?? null;
  const isWrongSide = stop !== null && foreign.entry != null && signOf(foreign.side) * (foreign.entry - stop) <= 0;
  const isReady = stop !== null && stop > 0 && !isWrongSide && preset !== null;
  const submit = async (): Promise<void> => {
    if (!isReady) return;
    if (await give(adopt, { foreign, stop, preset })) onDone();
  };
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <NumberInput
        label={t("foreign.stop")}
        description={t("foreign.stopHint")}
        value={stop ?? ""}
        min={0}
        decimalScale={8}
        hideControls
        data-autofocus
        onChange={(value) => setStop(typeof value === "number" ? value : null)}
        error={
          isWrongSide
            ? t("foreign.wrongSide", {
                side: foreign.side,
                where: foreign.side === "long" ? t("foreign.below") : t("foreign.above"),
                entry: formatPrice(foreign.entry, foreign.symbol),
              })
            : undefined
        }
      />
      <p className="text-2">{preset === null ? t("foreign.noPreset") : t("foreign.preset", { preset })}</p>
      <div className="row" style={{ justifyContent: "flex-end" }}>
        <Button variant="default" onClick={onDone}>
          {uiText("confirm.cancel")}
        </Button>
        <Button type="submit" disabled={!isReady}>
          {t("foreign.adopt")}
        </Button>
      </div>
    </form>
  );
}

/** Positions at the venue that the bot did not open, each with Adopt. */
export function ForeignPositions() {
  const query = useQuery(accountQuery);
  const { context } = useCommandHost();
  const [adopting, setAdopting] = useState<ForeignPosition | null>(null);
  const columns: readonly Column<ForeignPosition>[] = [
    {
      id: "symbol",
      header: t("column.symbol"),
      cell: (row) => <strong>{shortSymbol(row.symbol)}</strong>,
      sort: (row) => row.symbol,
      isTitle: true,
    },
    sideColumn(t("column.side")),
    { id: "qty", header: t("column.qty"), cell: (row) => <Quantity symbol={row.symbol} value={row.qty} />, align: "end" },
    {
      id: "entry",
      header: t("column.entry"),
      cell: (row) => <Price symbol={row.symbol} value={row.entry} reason={t("foreign.entry")} />,
      align: "end",
    },
    {
      id: "actions",
      header: t("column.actions"),
      cell: (row) => {
        const verdict = adopt.allowed(context, { foreign: row, stop: 0, preset: "" });
        return (
          <Button
            variant="default"
            {...(verdict.isAllowed
              ? { onClick: () => setAdopting(row) }
              : { "data-disabled": true, "aria-disabled": true, title: verdict.why, "aria-description": verdict.why })}
          >
            {t("foreign.adopt")}
          </Button>
        );
      },
    },
  ];
  return (
    <Panel
      title={t("foreign.title")}
      note={query.data ? t("foreign.orders", { n: query.data.foreign_orders }) : undefined}
      query={query}
      renewed={10_000}
      isFlush
      empty={(account) => (account.foreign_positions.length > 0 ? null : { text: t("foreign.none") })}
    >
      {(account) => (
        <>
          <DataTable
            id="positions.foreign"
            label={t("foreign.title")}
            rows={account.foreign_positions}
            columns={columns}
            rowKey={(row) => row.id}
          />
          <Modal
            opened={adopting !== null}
            onClose={() => setAdopting(null)}
            title={t("foreign.adoptTitle", { symbol: adopting ? shortSymbol(adopting.symbol) : "" })}
            closeButtonProps={{ "aria-label": uiText("confirm.cancel") }}
          >
            {adopting && <AdoptForm foreign={adopting} onDone={() => setAdopting(null)} />}
          </Modal>
        </>
      )}
    </Panel>
  );
}
