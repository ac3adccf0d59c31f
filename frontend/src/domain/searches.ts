/** What a search is asked for: lines "KEY = 10,20,30" or "KEY = low:high:step" become the parameters of the request. */

export const SEARCH_KINDS = ["sweep", "walk_forward", "monte_carlo"] as const;
export type SearchKind = (typeof SEARCH_KINDS)[number];

export function isSearchKind(kind: string): kind is SearchKind {
  return (SEARCH_KINDS as readonly string[]).includes(kind);
}

/** A word as the value that it is: a number, true, false, or itself. */
function valueOf(word: string): string | number | boolean {
  if (word === "true" || word === "false") return word === "true";
  const number = Number(word);
  return word !== "" && Number.isFinite(number) ? number : word;
}

export function parametersOf(lines: string): Record<string, string | (string | number | boolean)[]> {
  const rows = lines
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  return Object.fromEntries(
    rows.map((line) => {
      const [key = "", ...rest] = line.split("=");
      const values = rest.join("=").trim();
      return [key.trim(), values.includes(":") ? values : values.split(",").map((word) => valueOf(word.trim()))];
    }),
  );
}

export interface SearchWords {
  lines: string;
  objective: string;
  minTrades: number | "";
  inDays: number | "";
  outDays: number | "";
  draws: number | "";
}
export const NO_SEARCH: SearchWords = { lines: "", objective: "", minTrades: "", inDays: "", outDays: "", draws: "" };

/** params of the request. */
export function searchParams(kind: SearchKind, words: SearchWords): Record<string, unknown> {
  const given = (entries: Record<string, unknown>) =>
    Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== ""));
  if (kind === "monte_carlo") return given({ draws: words.draws });
  return {
    parameters: parametersOf(words.lines),
    ...given({ objective: words.objective.trim(), min_trades: words.minTrades, draws: words.draws }),
    ...(kind === "walk_forward" ? given({ in_days: words.inDays, out_days: words.outDays }) : {}),
  };
}
