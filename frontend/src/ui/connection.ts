import { createContext, useContext } from "react";

/** How the application is connected, as every panel needs to know it. The app provides it; without a provider all is well (tests, login page). */
export interface Connection {
  /** Numbers are confirmed by the server at least every two seconds. */
  isLive: boolean;
  /** When the last frame or polled reply arrived (wall clock, ms), null before the first. */
  lastSeenAt: number | null;
}

export const ConnectionContext = createContext<Connection>({ isLive: true, lastSeenAt: null });

export function useConnection(): Connection {
  return useContext(ConnectionContext);
}
