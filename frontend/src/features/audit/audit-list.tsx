import { Button, Modal, TextInput } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { useState } from "react";
import { apiUrl } from "../../api/client";
import type { components } from "../../api/generated";
import { pagesQuery, queryText, rowsOf } from "../../api/pages";
import { useRole } from "../../api/session";
import { useSearchState } from "../../hooks/use-search-state";
import { auditText as t } from "../../texts/audit";
import { Badge } from "../../ui/badge";
import { type Column, DataTable } from "../../ui/data-table";
import { useSearchKey } from "../../ui/keys";
import { EmptyNote, Panel } from "../../ui/panel";
import { Time } from "../../ui/time";
import { Value } from "../../ui/value";
import css from "./audit.module.css";

type AuditRow = components["schemas"]["AuditRow"];

function resultTone(result: number | null | undefined): "up" | "warn" | "down" | "neutral" {
  if (result == null) return "neutral";
  return result < 400 ? "up" : result < 500 ? "warn" : "down";
}

const columns: Column<AuditRow>[] = [
  { id: "ts", header: t("column.ts"), cell: (row) => <Time at={row.ts} />, sort: (row) => row.ts },
  {
    id: "user",
    header: t("column.user"),
    cell: (row) => <Value reason={t("value.nobody")}>{row.user ?? null}</Value>,
    sort: (row) => row.user ?? null,
  },
  { id: "role", header: t("column.role"), cell: (row) => <Badge>{row.role}</Badge>, sort: (row) => row.role },
  { id: "action", header: t("column.action"), cell: (row) => row.action, sort: (row) => row.action, isTitle: true },
  {
    id: "target",
    header: t("column.target"),
    cell: (row) => <Value reason={t("value.noTarget")}>{row.target ?? null}</Value>,
    sort: (row) => row.target ?? null,
  },
  {
    id: "result",
    header: t("column.result"),
    align: "end",
    cell: (row) =>
      row.result == null ? (
        <Value reason={t("value.noResult")}>{null}</Value>
      ) : (
        <Badge tone={resultTone(row.result)}>{row.result}</Badge>
      ),
    sort: (row) => row.result ?? null,
  },
  {
    id: "address",
    header: t("column.address"),
    cell: (row) => <Value>{row.address ?? null}</Value>,
    sort: (row) => row.address ?? null,
  },
  {
    id: "request",
    header: t("column.request"),
    cell: (row) => <span className="mono small">{row.request_id ?? ""}</span>,
    isHiddenByDefault: true,
  },
];

function Values({ name, value }: { name: string; value: unknown }) {
  return (
    <div>
      <h3 className="small text-3">{name}</h3>
      <pre className={css.values}>{value == null ? t("detail.none") : JSON.stringify(value, null, 2)}</pre>
    </div>
  );
}

function Detail({ row, onClose }: { row: AuditRow | null; onClose: () => void }) {
  return (
    <Modal
      opened={row !== null}
      onClose={onClose}
      size="lg"
      title={t("detail.title", { action: row?.action ?? "" })}
      closeButtonProps={{ "aria-label": t("detail.close") }}
    >
      {row && (
        <div className={css.sides}>
          <Values name={t("detail.before")} value={row.before} />
          <Values name={t("detail.after")} value={row.after} />
        </div>
      )}
    </Modal>
  );
}

/** The audit log: every change, login and refusal, with the values before and after. */
export function AuditList() {
  const [search, setSearch] = useSearchState({ user: "", action: "", from: "", to: "" });
  const [open, setOpen] = useState<AuditRow | null>(null);
  const role = useRole();
  const isAllowed = role === "admin";
  const input = useSearchKey();
  const query = useInfiniteQuery({ ...pagesQuery<AuditRow>("/api/audit", search), enabled: isAllowed });
  if (!isAllowed)
    return (
      <Panel title={t("list.title")}>
        <EmptyNote text={t("forbidden")} />
      </Panel>
    );
  const day = (name: "from" | "to") => (
    <TextInput
      type="date"
      aria-label={t(`filter.${name}`)}
      title={t(`filter.${name}`)}
      value={search[name].slice(0, 10)}
      onChange={(event) =>
        setSearch({ [name]: event.currentTarget.value === "" ? "" : `${event.currentTarget.value}T00:00:00Z` })
      }
    />
  );
  return (
    <Panel
      title={t("list.title")}
      query={query}
      isFlush
      actions={
        <Button
          component="a"
          variant="default"
          leftSection={<Download size={14} aria-hidden />}
          href={apiUrl(`/api/audit${queryText({ ...search, limit: "1000", format: "csv" })}`)}
          download="audit.csv"
        >
          {t("list.download")}
        </Button>
      }
    >
      <div className={css.filters}>
        <TextInput
          ref={input}
          aria-label={t("filter.user")}
          placeholder={t("filter.user")}
          value={search.user}
          onChange={(event) => setSearch({ user: event.currentTarget.value })}
        />
        <TextInput
          aria-label={t("filter.action")}
          placeholder={t("filter.action")}
          value={search.action}
          onChange={(event) => setSearch({ action: event.currentTarget.value })}
        />
        {day("from")}
        {day("to")}
      </div>
      <DataTable
        id="audit.rows"
        label={t("list.title")}
        rows={rowsOf(query.data)}
        columns={columns}
        rowKey={(row) => String(row.audit_id)}
        rowLabel={(row) => `${row.action} ${row.target ?? ""}`}
        onOpen={setOpen}
        isPrimary
        maxHeight="calc(100vh - 260px)"
        empty={t("list.empty")}
      />
      {query.hasNextPage && (
        <div className={css.more}>
          <Button variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            {t("list.older")}
          </Button>
        </div>
      )}
      <Detail row={open} onClose={() => setOpen(null)} />
    </Panel>
  );
}
