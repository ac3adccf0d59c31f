import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type RenderResult, render } from "@testing-library/react";
import type { ReactNode } from "react";
import { cssVariablesResolver, theme } from "../ui/theme";

/** The theme and a query cache around a component. `env="test"` takes transitions out. */
export function inKit(children: ReactNode, scheme: "dark" | "light" = "dark", client = new QueryClient()): ReactNode {
  return (
    <MantineProvider theme={theme} cssVariablesResolver={cssVariablesResolver} forceColorScheme={scheme} env="test">
      <QueryClientProvider client={client}>
        <Notifications />
        {children}
      </QueryClientProvider>
    </MantineProvider>
  );
}

/** Renders a component; `seed` fills the query cache before. */
export function renderUi(
  children: ReactNode,
  scheme: "dark" | "light" = "dark",
  seed?: (client: QueryClient) => void,
): RenderResult & { client: QueryClient } {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Number.POSITIVE_INFINITY } } });
  seed?.(client);
  return { ...render(inKit(children, scheme, client)), client };
}
