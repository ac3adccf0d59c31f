import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { toApiError } from "../domain/problem";
import { useScheme } from "../hooks/preferences";
import { cssVariablesResolver, theme } from "../ui/theme";

const RETRIES = 2;

/** The nonce that the content policy of the page allows for style elements. */
function styleNonce(): string {
  return document.querySelector<HTMLMetaElement>("meta[property=csp-nonce]")?.nonce ?? "";
}

function makeQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 10_000,
        refetchOnWindowFocus: false,
        // What the server refused stays refused; what the network lost is tried again.
        retry: (count, error) => count < RETRIES && (toApiError(error).isNetwork || toApiError(error).status >= 502),
      },
    },
  });
}

export function Providers({ children }: { children: ReactNode }) {
  const [client] = useState(makeQueryClient);
  const scheme = useScheme();
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariablesResolver}
      getStyleNonce={styleNonce}
      forceColorScheme={scheme}
    >
      <QueryClientProvider client={client}>
        <Notifications position="bottom-right" limit={4} containerWidth={380} />
        {children}
      </QueryClientProvider>
    </MantineProvider>
  );
}
