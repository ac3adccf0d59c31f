import { useQuery } from "@tanstack/react-query";
import { Outlet, useNavigate } from "@tanstack/react-router";
import { type ReactNode, useEffect, useMemo, useState } from "react";
import { setLoginEndedHandler } from "../api/client";
import { LiveProvider } from "../api/live";
import { instrumentsQuery } from "../api/queries";
import { meQuery } from "../api/session";
import { CommandHost } from "../commands/host";
import type { FrameActions } from "../commands/types";
import { toApiError } from "../domain/problem";
import { getPreferences, setPreferences } from "../hooks/preferences";
import { frameText as t } from "../texts/frame";
import { KeyHelp } from "../ui/keys";
import { ErrorNote } from "../ui/panel";
import { Announcer } from "./announcer";
import { Banners } from "./banners";
import { EmergencySheet } from "./emergency-sheet";
import { GlobalKeys } from "./global-keys";
import { Header } from "./header";
import css from "./layout.module.css";
import { LoginAgain } from "./login-form";
import { BottomBar, Navigation, NavigationDrawer } from "./navigation";
import { Palette } from "./palette";
import { TabIcon } from "./tab-icon";

/** The frame of every page but login and setup. Before it is known who is there, the shell of the page stands. */
export function Layout() {
  const me = useQuery(meQuery);
  const navigate = useNavigate();
  const isRefused = me.error !== null && toApiError(me.error).status === 401;
  const isKnown = me.data !== undefined;
  useEffect(() => {
    if (!isRefused || isKnown) return;
    // The address is read here: the navigation itself changes it, and must not start another one.
    const next = location.pathname + location.search;
    void navigate({ to: "/login", search: next === "/" ? {} : { next }, replace: true });
  }, [isRefused, isKnown, navigate]);
  if (!isKnown) {
    if (!me.error || isRefused) return null;
    return (
      <main className={css.alone}>
        <ErrorNote name={t("away.title")} error={toApiError(me.error)} onRetry={() => void me.refetch()} />
      </main>
    );
  }
  return (
    <LiveProvider>
      <Frame>
        <Outlet />
      </Frame>
    </LiveProvider>
  );
}

type Overlay = "emergency" | "palette" | "keys" | "navigation" | null;

function switchTheme(): void {
  const isDark = document.documentElement.dataset["mantineColorScheme"] === "dark";
  setPreferences({ theme: isDark ? "light" : "dark" });
}

function useFrameActions(open: (overlay: Overlay) => void): FrameActions {
  const navigate = useNavigate();
  return useMemo(
    () => ({
      go: (path) => void navigate({ to: path }),
      openEmergencySheet: () => open("emergency"),
      openPalette: () => open("palette"),
      openKeyHelp: () => open("keys"),
      switchTheme,
      switchDensity: () => setPreferences({ density: getPreferences().density === "compact" ? "comfortable" : "compact" }),
    }),
    [navigate, open],
  );
}

function Frame({ children }: { children: ReactNode }) {
  const [overlay, setOverlay] = useState<Overlay>(null);
  useQuery(instrumentsQuery);
  const [isLoginEnded, setLoginEnded] = useState(false);
  const actions = useFrameActions(setOverlay);
  useEffect(() => {
    setLoginEndedHandler(() => setLoginEnded(true));
    return () => setLoginEndedHandler(() => undefined);
  }, []);
  const close = (): void => setOverlay(null);
  return (
    <CommandHost frame={actions}>
      <a href="#content" className={css.skip}>
        {t("skip")}
      </a>
      <div className={css.frame}>
        <Header onMenu={() => setOverlay("navigation")} />
        <Banners />
        <div className={css.middle}>
          <Navigation />
          <main id="content" className={css.content} tabIndex={-1}>
            {children}
          </main>
        </div>
        <BottomBar onMore={() => setOverlay("navigation")} />
      </div>
      <NavigationDrawer isOpen={overlay === "navigation"} onClose={close} />
      <EmergencySheet isOpen={overlay === "emergency"} onClose={close} />
      <Palette isOpen={overlay === "palette"} onClose={close} />
      <KeyHelp isOpen={overlay === "keys"} onClose={close} />
      <LoginAgain isOpen={isLoginEnded} onDone={() => setLoginEnded(false)} />
      <GlobalKeys />
      <Announcer />
      <TabIcon />
    </CommandHost>
  );
}
