import type { ReactNode } from "react";

/** One line of a list of facts (a dl): its name and what it is. */
export function Fact({ name, hint, children }: { name: string; hint?: string | undefined; children: ReactNode }) {
  return (
    <div>
      <dt title={hint}>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
