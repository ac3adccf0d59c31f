import { signOf } from "./position";

/** The result of a position line by line, in USD and in R. */
interface OrderLike {
  client_order_id: string;
  purpose: string;
  side: "buy" | "sell";
  level_name: string | null;
  filled_qty: number;
  average_price: number | null;
  fees_usd: number;
  updated_at: number;
}

export interface AccountedPosition {
  side: "long" | "short";
  entry: number;
  qty: number;
  mark: number | null;
  r_usd: number;
  pnl_unrealised_usd: number | null;
  fees_usd: number;
  funding_usd: number;
  /** Realised and open result less fees and with funding. */
  pnl_usd: number | null;
}

export interface AccountLine {
  id: string;
  kind: "exit" | "open" | "entry-fees" | "exit-fees" | "other-fees" | "funding" | "rest" | "total";
  /** Of the exit order: target, stop, exit, flatten, manual, with the rung's name. */
  purpose?: string;
  name?: string | null;
  at?: number;
  qty?: number;
  price?: number | null;
  usd: number | null;
  r: number | null;
}

const SMALLEST_USD = 0.005;

function exitLines(
  position: AccountedPosition,
  orders: readonly OrderLike[],
  inR: (usd: number | null) => number | null,
): AccountLine[] {
  const sign = signOf(position.side);
  const closing = position.side === "long" ? "sell" : "buy";
  return orders
    .filter((order) => order.side === closing && order.filled_qty > 0)
    .sort((a, b) => a.updated_at - b.updated_at)
    .map((order) => {
      const usd = order.average_price === null ? null : sign * (order.average_price - position.entry) * order.filled_qty;
      return {
        id: order.client_order_id,
        kind: "exit",
        purpose: order.purpose,
        name: order.level_name,
        at: order.updated_at,
        qty: order.filled_qty,
        price: order.average_price,
        usd,
        r: inR(usd),
      };
    });
}

/** Lines that add up to the engine's total. What the orders do not explain (an entry price that changed with an add-on, orders that are no longer known) is a
 * line of its own instead of a number that looks right. */
export function accountOf(position: AccountedPosition, orders: readonly OrderLike[]): AccountLine[] {
  const inR = (usd: number | null): number | null => (usd === null || position.r_usd <= 0 ? null : usd / position.r_usd);
  const line = (id: AccountLine["kind"], usd: number | null): AccountLine => ({ id, kind: id, usd, r: inR(usd) });
  const closing = position.side === "long" ? "sell" : "buy";
  const feesOf = (isExit: boolean): number =>
    orders.filter(({ side }) => (side === closing) === isExit).reduce((sum, { fees_usd }) => sum + fees_usd, 0);
  const lines = exitLines(position, orders, inR);
  if (position.qty > 0) lines.push({ ...line("open", position.pnl_unrealised_usd), qty: position.qty, price: position.mark });
  lines.push(line("entry-fees", -feesOf(false)), line("exit-fees", -feesOf(true)));
  const unknownFees = position.fees_usd - feesOf(false) - feesOf(true);
  if (Math.abs(unknownFees) >= SMALLEST_USD) lines.push(line("other-fees", -unknownFees));
  lines.push(line("funding", position.funding_usd));
  const known = lines.reduce<number | null>((sum, { usd }) => (sum === null || usd === null ? null : sum + usd), 0);
  if (position.pnl_usd !== null && known !== null && Math.abs(position.pnl_usd - known) >= SMALLEST_USD)
    lines.push(line("rest", position.pnl_usd - known));
  return [...lines, line("total", position.pnl_usd)];
}
