import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback } from "react";

export type SearchValue = string | number | boolean;

/** {symbol: ""} is a string in general, not the empty one. */
type Widened<D> = { [Key in keyof D]: D[Key] extends string ? string : D[Key] extends number ? number : boolean };

/** Filters, sorting, ranges and tabs of a page live in its address. Values equal to the default are left out of it; a value of another type than the default's
 * (someone typed it) counts as the default. `useSearchState({symbol: "", limit: 50})` → [state, patch => void]. */
export function useSearchState<D extends Record<string, SearchValue>>(
  defaults: D,
): [Widened<D>, (patch: Partial<Widened<D>>) => void] {
  const search: Record<string, unknown> = useSearch({ strict: false });
  const navigate = useNavigate();
  const state = { ...defaults } as Record<string, SearchValue>;
  for (const [key, fallback] of Object.entries(defaults)) {
    const value = search[key];
    if (typeof value === typeof fallback) state[key] = value as SearchValue;
    else if (typeof fallback === "string" && typeof value === "number") state[key] = String(value);
  }
  const patch = useCallback(
    (changes: Partial<Widened<D>>) => {
      void navigate({
        to: ".",
        replace: true,
        search: (previous: Record<string, unknown>) => {
          const next: Record<string, unknown> = { ...previous, ...changes };
          // The router leaves undefined words out of the address.
          for (const [key, fallback] of Object.entries(defaults)) if (next[key] === fallback) next[key] = undefined;
          return next;
        },
      } as Parameters<typeof navigate>[0]);
    },
    // The defaults of a page do not change while it is open.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [navigate],
  );
  return [state as Widened<D>, patch];
}
