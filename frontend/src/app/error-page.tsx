import { Button } from "@mantine/core";
import { type ErrorComponentProps, useLocation } from "@tanstack/react-router";
import { toApiError } from "../domain/problem";
import { frameText as t } from "../texts/frame";
import { useCommandHost } from "../commands/host";
import { Page } from "../ui/page";
import { EmptyNote, ErrorNote, Panel } from "../ui/panel";

/** A page that threw: what was thrown, and a way out. The frame around it stays. */
export function ErrorPage({ error, reset }: ErrorComponentProps) {
  return (
    <Page title={t("error.title")}>
      <Panel title={t("error.text")}>
        <ErrorNote name={t("error.title")} error={toApiError(error)} onRetry={reset} />
        <Button variant="default" onClick={() => location.reload()}>
          {t("error.reload")}
        </Button>
      </Panel>
    </Page>
  );
}

function SearchButton() {
  const { context } = useCommandHost();
  return <Button onClick={() => context.frame.openPalette()}>{t("notFound.search")}</Button>;
}

export function NotFoundPage() {
  const { pathname } = useLocation();
  return (
    <Page title={t("notFound.title")}>
      <Panel title={pathname}>
        <EmptyNote text={t("notFound.text", { path: pathname })} action={<SearchButton />} />
      </Panel>
    </Page>
  );
}
