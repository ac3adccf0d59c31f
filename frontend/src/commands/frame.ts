import {
  Activity,
  Bell,
  Bot,
  CandlestickChart,
  ChartSpline,
  FlaskConical,
  Gauge,
  Keyboard,
  Layers,
  LayoutDashboard,
  ListOrdered,
  type LucideIcon,
  Moon,
  Radar,
  Receipt,
  Rows3,
  ScrollText,
  Search,
  Settings,
  ShieldAlert,
  Signpost,
  SlidersHorizontal,
} from "lucide-react";
import { commandsText as t } from "../texts/commands";
import { frameText } from "../texts/frame";
import { ALLOWED, type Command, type FrameActions } from "./types";

export interface Page {
  id: string;
  path: string;
  label: string;
  icon: LucideIcon;
  /** Second key after g. */
  key: string;
  section: "overview" | "trading" | "analysis" | "system";
}

/** Every page of the navigation, in its order. */
export const pages: readonly Page[] = [
  {
    id: "dashboard",
    path: "/dashboard",
    label: frameText("page.dashboard"),
    icon: LayoutDashboard,
    key: "d",
    section: "overview",
  },
  { id: "chart", path: "/chart", label: frameText("page.chart"), icon: CandlestickChart, key: "c", section: "overview" },
  { id: "positions", path: "/trading/positions", label: frameText("page.positions"), icon: Layers, key: "p", section: "trading" },
  { id: "orders", path: "/trading/orders", label: frameText("page.orders"), icon: ListOrdered, key: "o", section: "trading" },
  { id: "trades", path: "/trading/trades", label: frameText("page.trades"), icon: Receipt, key: "t", section: "trading" },
  { id: "scanner", path: "/scanner", label: frameText("page.scanner"), icon: Radar, key: "s", section: "trading" },
  { id: "decisions", path: "/decisions", label: frameText("page.decisions"), icon: Signpost, key: "y", section: "trading" },
  {
    id: "performance",
    path: "/performance",
    label: frameText("page.performance"),
    icon: ChartSpline,
    key: "f",
    section: "analysis",
  },
  { id: "backtests", path: "/backtests", label: frameText("page.backtests"), icon: FlaskConical, key: "b", section: "analysis" },
  { id: "engine", path: "/engine", label: frameText("page.engine"), icon: Bot, key: "e", section: "system" },
  { id: "presets", path: "/presets", label: frameText("page.presets"), icon: SlidersHorizontal, key: "r", section: "system" },
  { id: "monitoring", path: "/monitoring", label: frameText("page.monitoring"), icon: Activity, key: "m", section: "system" },
  { id: "alerts", path: "/alerts", label: frameText("page.alerts"), icon: Bell, key: "a", section: "system" },
  { id: "logs", path: "/logs", label: frameText("page.logs"), icon: ScrollText, key: "l", section: "system" },
  { id: "settings", path: "/settings", label: frameText("page.settings"), icon: Settings, key: ",", section: "system" },
  { id: "audit", path: "/audit", label: frameText("page.audit"), icon: Gauge, key: "u", section: "system" },
];

function frameCommand(
  id: string,
  group: string,
  label: string,
  icon: LucideIcon,
  act: (frame: FrameActions) => void,
  shortcut?: string,
): Command {
  return {
    id,
    group,
    label: () => label,
    icon,
    ...(shortcut === undefined ? {} : { shortcut }),
    role: "viewer",
    allowed: () => ALLOWED,
    confirm: () => null,
    run: (context) => {
      act(context.frame);
      return Promise.resolve({ message: null });
    },
  };
}

export const navigation: readonly Command[] = pages.map((page) =>
  frameCommand(
    `go.${page.id}`,
    t("group.pages"),
    t("go.label", { page: page.label }),
    page.icon,
    (frame) => frame.go(page.path),
    `g ${page.key}`,
  ),
);

const view = t("group.appearance");
export const emergencySheet = frameCommand(
  "frame.emergency",
  t("group.emergency"),
  t("sheet.label"),
  ShieldAlert,
  (frame) => frame.openEmergencySheet(),
  "shift+e",
);
export const theme = frameCommand("frame.theme", view, t("theme.label"), Moon, (frame) => frame.switchTheme(), "t");
export const density = frameCommand("frame.density", view, t("density.label"), Rows3, (frame) => frame.switchDensity());
export const keyHelp = frameCommand("frame.help", view, t("help.label"), Keyboard, (frame) => frame.openKeyHelp(), "?");
export const palette = frameCommand("frame.palette", view, t("palette.label"), Search, (frame) => frame.openPalette(), "mod+k");
