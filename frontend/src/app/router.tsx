import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Outlet, redirect } from "@tanstack/react-router";
import { ErrorPage, NotFoundPage } from "./error-page";
import { Layout } from "./layout";

/* Routes of the application. Each page is a chunk of its own in routes/; what it filters by is read with useSearchState. */

const root = createRootRoute({ component: Outlet, errorComponent: ErrorPage });

const login = createRoute({
  getParentRoute: () => root,
  path: "/login",
  component: lazyRouteComponent(() => import("./routes/login"), "LoginPage"),
});
const setup = createRoute({
  getParentRoute: () => root,
  path: "/setup",
  component: lazyRouteComponent(() => import("./routes/setup"), "SetupPage"),
});
const frame = createRoute({ getParentRoute: () => root, id: "frame", component: Layout });
const home = createRoute({
  getParentRoute: () => frame,
  path: "/",
  beforeLoad: () => {
    // The router takes a thrown redirect.
    // eslint-disable-next-line @typescript-eslint/only-throw-error
    throw redirect({ to: "/dashboard", replace: true });
  },
});

const inFrame = () => frame;
const pages = [
  createRoute({
    getParentRoute: inFrame,
    path: "/dashboard",
    component: lazyRouteComponent(() => import("./routes/dashboard"), "DashboardPage"),
  }),
  createRoute({
    getParentRoute: inFrame,
    path: "/chart",
    component: lazyRouteComponent(() => import("./routes/chart"), "ChartPage"),
  }),
  createRoute({
    getParentRoute: inFrame,
    path: "/chart/$symbol",
    component: lazyRouteComponent(() => import("./routes/chart"), "ChartPage"),
  }),
  createRoute({
    getParentRoute: inFrame,
    path: "/trading/positions",
    component: lazyRouteComponent(() => import("./routes/positions"), "PositionsPage"),
  }),
  createRoute({
    getParentRoute: inFrame,
    path: "/trading/positions/$id",
    component: lazyRouteComponent(() => import("./routes/position"), "PositionPage"),
  }),
  createRoute({
    getParentRoute: inFrame,
    path: "/trading/orders",
    component: lazyRouteComponent(() => import("./routes/orders"), "OrdersPage"),
  }),
  createRoute({
    getParentRoute: inFrame,
    path: "/trading/trades",
    component: lazyRouteComponent(() => import("./routes/trades"), "TradesPage"),
  }),
  createRoute({
    getParentRoute: inFrame,
    path: "/trading/trades/$id",
    component: lazyRouteComponent(() => import("./routes/trade"), "TradePage"),
  }),
  createRoute({
    getParentRoute: inFrame,
    path: "/scanner",
    component: lazyRouteComponent(() => import("./routes/scanner"), "ScannerPage"),
  }),
  createRoute({
    getParentRoute: inFrame,
    path: "/scanner/$symbol",
    component: lazyRouteComponent(() => import("./routes/scanner-symbol"), "ScannerSymbolPage"),
  }),
  createRoute({
    getParentRoute: inFrame,
    path: "/decisions",
    component: lazyRouteComponent(() => import("./routes/decisions"), "DecisionsPage"),
  }),
  createRoute({
    getParentRoute: inFrame,
    path: "/performance",
    component: lazyRouteComponent(() => import("./routes/performance"), "PerformancePage"),
  }),
  createRoute({
    getParentRoute: inFrame,
    path: "/backtests",
    component: lazyRouteComponent(() => import("./routes/backtests"), "BacktestsPage"),
  }),
  createRoute({
    getParentRoute: inFrame,
    path: "/backtests/new",
    component: lazyRouteComponent(() => import("./routes/backtest-new"), "BacktestNewPage"),
  }),
  createRoute({
    getParentRoute: inFrame,
    path: "/backtests/compare",
    component: lazyRouteComponent(() => import("./routes/backtest-compare"), "BacktestComparePage"),
  }),
  createRoute({
    getParentRoute: inFrame,
    path: "/backtests/$id",
    component: lazyRouteComponent(() => import("./routes/backtest"), "BacktestPage"),
  }),
  createRoute({
    getParentRoute: inFrame,
    path: "/engine",
    component: lazyRouteComponent(() => import("./routes/engine"), "EnginePage"),
  }),
  createRoute({
    getParentRoute: inFrame,
    path: "/presets",
    component: lazyRouteComponent(() => import("./routes/presets"), "PresetsPage"),
  }),
  createRoute({
    getParentRoute: inFrame,
    path: "/presets/$name",
    component: lazyRouteComponent(() => import("./routes/preset"), "PresetPage"),
  }),
  createRoute({
    getParentRoute: inFrame,
    path: "/monitoring",
    component: lazyRouteComponent(() => import("./routes/monitoring"), "MonitoringPage"),
  }),
  createRoute({
    getParentRoute: inFrame,
    path: "/alerts",
    component: lazyRouteComponent(() => import("./routes/alerts"), "AlertsPage"),
  }),
  createRoute({
    getParentRoute: inFrame,
    path: "/logs",
    component: lazyRouteComponent(() => import("./routes/logs"), "LogsPage"),
  }),
  createRoute({
    getParentRoute: inFrame,
    path: "/settings",
    component: lazyRouteComponent(() => import("./routes/settings"), "SettingsPage"),
  }),
  createRoute({
    getParentRoute: inFrame,
    path: "/audit",
    component: lazyRouteComponent(() => import("./routes/audit"), "AuditPage"),
  }),
  createRoute({ getParentRoute: inFrame, path: "$", component: NotFoundPage }),
];

export const router = createRouter({
  routeTree: root.addChildren([login, setup, frame.addChildren([home, ...pages])]),
  defaultPreload: "intent",
  scrollRestoration: true,
  defaultErrorComponent: ErrorPage,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
