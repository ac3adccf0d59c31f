import { useQuery } from "@tanstack/react-query";
import { positionsQuery } from "../../api/queries";
import { useRefreshOn } from "../../api/use-refresh";
import { positionKey, positionQuery } from "./queries";

/** A position with its orders, fills, decisions and stops, loaded again when the feed tells of it. */
export function usePosition(id: string) {
  const query = useQuery(positionQuery(id));
  useRefreshOn(
    ["POSITION_UPDATE", "POSITION_CLOSE", "STOP_MOVED", "FILL", "ORDER_PLACED", "ORDER_UPDATED", "ORDER_CANCELED", "TAKE_PROFIT"],
    positionKey(id),
    (data) => data["position_id"] === id,
  );
  return query;
}

/** The open positions before and after this one. */
export function useNeighbours(id: string): { previous: string | null; next: string | null } {
  const { data = [] } = useQuery(positionsQuery);
  const ids = data.map((row) => row.position_id);
  const at = ids.indexOf(id);
  if (at === -1) return { previous: ids.at(-1) ?? null, next: ids[0] ?? null };
  return { previous: ids[at - 1] ?? null, next: ids[at + 1] ?? null };
}
