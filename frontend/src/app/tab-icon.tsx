import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { engineQuery } from "../api/queries";
import { iconOf } from "../domain/engine";
import { frameText as t } from "../texts/frame";
import { useConnection } from "../ui/connection";

/** The icon of the browser's tab says the state. */
export function TabIcon() {
  const { data: engine } = useQuery(engineQuery);
  const { isLive } = useConnection();
  const icon = iconOf(engine, isLive);
  useEffect(() => {
    document.title = t("product");
    document.querySelector<HTMLLinkElement>("link[rel=icon]")?.setAttribute("href", `/icon-${icon}.svg`);
  }, [icon]);
  return null;
}
