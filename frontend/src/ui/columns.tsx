import { shortSymbol } from "../domain/format";
import { Badge } from "./badge";
import type { Column } from "./data-table";

/* Columns that every table of trading has. */

export function SideBadge({ side }: { side: string }) {
  return <Badge tone={side === "long" ? "up" : "down"}>{side}</Badge>;
}

/** The symbol names the row, and the card that it becomes on a phone. */
export function symbolColumn<Row extends { symbol: string }>(header: string): Column<Row> {
  return {
    id: "symbol",
    header,
    cell: (row) => <strong>{shortSymbol(row.symbol)}</strong>,
    sort: (row) => row.symbol,
    isTitle: true,
  };
}

export function sideColumn<Row extends { side: string }>(header: string): Column<Row> {
  return { id: "side", header, cell: (row) => <SideBadge side={row.side} />, sort: (row) => row.side };
}
