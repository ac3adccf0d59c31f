import type { QueryClient } from "@tanstack/react-query";
import { createMemoryHistory, createRootRoute, createRouter, RouterProvider } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { vi } from "vitest";
import { keys } from "../api/keys";
import { meQuery } from "../api/session";
import { CommandHost } from "../commands/host";
import { ConnectionContext } from "../ui/connection";
import { engineStatus } from "./records";
import { renderUi } from "./render";

const frame = {
  go: vi.fn(),
  openEmergencySheet: vi.fn(),
  openPalette: vi.fn(),
  openKeyHelp: vi.fn(),
  switchTheme: vi.fn(),
  switchDensity: vi.fn(),
};

function Inside({ children }: { children: ReactNode }) {
  return (
    <ConnectionContext value={{ isLive: true, lastSeenAt: null }}>
      <CommandHost frame={frame}>{children}</CommandHost>
    </ConnectionContext>
  );
}

/** A page's part at an address, as an admin with a running session; `router.state.location` tells where it went. */
export function renderAt(address: string, children: ReactNode, seed?: (client: QueryClient) => void) {
  const root = createRootRoute({ component: () => <Inside>{children}</Inside>, notFoundComponent: () => null });
  const router = createRouter({ routeTree: root, history: createMemoryHistory({ initialEntries: [address] }) });
  const rendered = renderUi(<RouterProvider router={router as never} />, "dark", (client) => {
    client.setQueryData(keys.engine, engineStatus());
    client.setQueryData(keys.positions, []);
    client.setQueryData(meQuery.queryKey, {
      user: { username: "a", role: "admin", disabled: false },
      csrf_token: null,
      auth_enabled: true,
    } as never);
    seed?.(client);
  });
  return { ...rendered, router };
}
