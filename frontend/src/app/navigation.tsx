import { ActionIcon, Drawer } from "@mantine/core";
import { Link, useLocation } from "@tanstack/react-router";
import { Ellipsis, PanelLeftClose, PanelLeftOpen } from "lucide-react";
import { useRole } from "../api/session";
import { type Page, pages } from "../commands/frame";
import { setPreferences, usePreferences } from "../hooks/preferences";
import { frameText as t } from "../texts/frame";
import css from "./navigation.module.css";

const SECTIONS = ["overview", "trading", "analysis", "system"] as const;
const BOTTOM = ["dashboard", "positions", "scanner", "engine"];

function isCurrent(page: Page, path: string): boolean {
  return path === page.path || path.startsWith(`${page.path}/`);
}

function NavLink({
  page,
  path,
  isNarrow,
  onFollow,
}: {
  page: Page;
  path: string;
  isNarrow: boolean;
  onFollow?: (() => void) | undefined;
}) {
  const Icon = page.icon;
  const isHere = isCurrent(page, path);
  return (
    <li>
      <Link
        to={page.path}
        className={`${css.link} ${isHere ? css.here : ""}`}
        aria-current={isHere ? "page" : undefined}
        title={isNarrow ? page.label : undefined}
        onClick={onFollow}
      >
        <Icon size={16} aria-hidden />
        <span className={isNarrow ? "visually-hidden" : undefined}>{page.label}</span>
      </Link>
    </li>
  );
}

function Sections({ isNarrow, onFollow }: { isNarrow: boolean; onFollow?: () => void }) {
  const path = useLocation({ select: (location) => location.pathname });
  const role = useRole();
  // The audit log is for admins alone.
  const shown = pages.filter((page) => page.id !== "audit" || role === "admin");
  return SECTIONS.map((section) => (
    <div key={section} className={css.section}>
      <h2 className={isNarrow ? "visually-hidden" : css.heading}>{t(`nav.${section}`)}</h2>
      <ul>
        {shown
          .filter((page) => page.section === section)
          .map((page) => (
            <NavLink key={page.id} page={page} path={path} isNarrow={isNarrow} onFollow={onFollow} />
          ))}
      </ul>
    </div>
  ));
}

export function Navigation() {
  const { isNavigationNarrow } = usePreferences();
  const label = t(isNavigationNarrow ? "nav.expand" : "nav.collapse");
  const Icon = isNavigationNarrow ? PanelLeftOpen : PanelLeftClose;
  return (
    <nav aria-label={t("nav.label")} className={`${css.side} ${isNavigationNarrow ? css.narrow : ""}`}>
      <Sections isNarrow={isNavigationNarrow} />
      <ActionIcon
        className={css.collapse}
        aria-label={label}
        title={label}
        onClick={() => setPreferences({ isNavigationNarrow: !isNavigationNarrow })}
      >
        <Icon size={16} aria-hidden />
      </ActionIcon>
    </nav>
  );
}

export function NavigationDrawer({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  return (
    <Drawer
      opened={isOpen}
      onClose={onClose}
      size={260}
      title={t("product")}
      closeButtonProps={{ "aria-label": t("nav.collapse") }}
    >
      <nav aria-label={t("nav.label")} className={css.drawer}>
        <Sections isNarrow={false} onFollow={onClose} />
      </nav>
    </Drawer>
  );
}

/** Below 576 px: the pages that a thumb must reach. */
export function BottomBar({ onMore }: { onMore: () => void }) {
  const path = useLocation({ select: (location) => location.pathname });
  return (
    <nav aria-label={t("nav.label")} className={css.bottom}>
      <ul>
        {pages
          .filter((page) => BOTTOM.includes(page.id))
          .map((page) => {
            const Icon = page.icon;
            const isHere = isCurrent(page, path);
            return (
              <li key={page.id}>
                <Link
                  to={page.path}
                  className={`${css.tab} ${isHere ? css.tabHere : ""}`}
                  aria-current={isHere ? "page" : undefined}
                >
                  <Icon size={18} aria-hidden />
                  {page.label}
                </Link>
              </li>
            );
          })}
        <li>
          <button type="button" className={css.tab} onClick={onMore}>
            <Ellipsis size={18} aria-hidden />
            {t("nav.more")}
          </button>
        </li>
      </ul>
    </nav>
  );
}
