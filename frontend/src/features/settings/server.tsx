import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { api, apiUrl, unwrap } from "../../api/client";
import type { components } from "../../api/generated";
import { CommandButton } from "../../commands/host";
import { makeBackup, memorySnapshot } from "../../commands/system";
import { formatBytes, humanise } from "../../domain/format";
import { useSearchState } from "../../hooks/use-search-state";
import { settingsText as t } from "../../texts/settings";
import { Badge } from "../../ui/badge";
import { type Column, DataTable } from "../../ui/data-table";
import { Panel } from "../../ui/panel";
import { Time } from "../../ui/time";
import { Value } from "../../ui/value";
import css from "./settings.module.css";

type Setting = components["schemas"]["Setting"];
type Backup = components["schemas"]["Backup"];

function plain(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function Word({ value }: { value: unknown }) {
  const text = plain(value);
  return text === "" ? (
    <span className="text-3">{t("server.empty")}</span>
  ) : (
    <span className={`${css.word} mono small`}>{text}</span>
  );
}

function Meaning({ setting }: { setting: Setting }) {
  return (
    <span className={`${css.meaning} text-2 small`}>
      {setting.meaning}
      {!setting.in_effect && <span className="text-3"> ({t("server.noEffect")})</span>}
    </span>
  );
}

const settingColumns: readonly Column<Setting>[] = [
  {
    id: "name",
    header: t("server.name"),
    cell: (row) => <span className="mono small">{row.name}</span>,
    sort: (row) => row.name,
    isTitle: true,
  },
  { id: "value", header: t("server.value"), cell: (row) => <Word value={row.value} />, sort: (row) => plain(row.value) },
  {
    id: "source",
    header: t("server.source"),
    cell: (row) => <Badge tone={row.source === "default" ? "neutral" : "accent"}>{humanise(row.source)}</Badge>,
    sort: (row) => row.source,
  },
  { id: "default", header: t("server.default"), cell: (row) => <Word value={row.default} />, sort: (row) => plain(row.default) },
  {
    id: "bounds",
    header: t("server.bounds"),
    cell: (row) => <span className="text-2 small">{row.bounds}</span>,
    isHiddenByDefault: true,
  },
  { id: "group", header: t("server.group"), cell: (row) => row.group, sort: (row) => row.group },
  {
    id: "meaning",
    header: t("server.meaning"),
    cell: (row) => <Meaning setting={row} />,
    text: (row) => row.meaning,
  },
];

export function ServerSettings() {
  const [search, setSearch] = useSearchState({ filter: "", sort: "" });
  const query = useQuery({
    queryKey: ["settings"],
    queryFn: async () => (await unwrap(api().GET("/api/settings"))).items,
    staleTime: 60_000,
  });
  return (
    <Panel
      title={t("server.title")}
      note={t("server.hint")}
      query={query}
      isFlush
      empty={(rows) => (rows.length > 0 ? null : { text: t("server.none") })}
    >
      {(rows) => (
        <DataTable
          id="settings.server"
          label={t("server.title")}
          rows={rows}
          columns={settingColumns}
          rowKey={(row) => row.name}
          hasFilter
          hasColumnChoice
          isPrimary
          filter={search.filter}
          onFilter={(filter) => setSearch({ filter })}
          sort={search.sort}
          onSort={(sort) => setSearch({ sort })}
          maxHeight="calc(100dvh - 260px)"
        />
      )}
    </Panel>
  );
}

const backupColumns: readonly Column<Backup>[] = [
  {
    id: "file",
    header: t("backups.file"),
    cell: (row) => <span className="mono small">{row.file}</span>,
    sort: (row) => row.file,
    isTitle: true,
  },
  { id: "ts", header: t("backups.time"), cell: (row) => <Time at={row.ts} />, sort: (row) => row.ts },
  { id: "bytes", header: t("backups.size"), cell: (row) => formatBytes(row.bytes), sort: (row) => row.bytes, align: "end" },
  {
    id: "verified",
    header: t("backups.verified"),
    cell: (row) => (
      <Value reason={t("backups.unknown")}>{row.verified == null ? null : t(row.verified ? "backups.yes" : "backups.no")}</Value>
    ),
    sort: (row) => row.verified,
  },
];

export function BackupSettings() {
  const query = useQuery({
    queryKey: ["backups"],
    queryFn: async () => (await unwrap(api().GET("/api/system/backups"))).items,
    refetchInterval: 10_000,
  });
  const button = <CommandButton command={makeBackup} args={undefined} />;
  return (
    <Panel
      title={t("backups.title")}
      query={query}
      isFlush
      actions={button}
      empty={(rows) => (rows.length > 0 ? null : { text: t("backups.none") })}
    >
      {(rows) => (
        <DataTable
          id="settings.backups"
          label={t("backups.title")}
          rows={rows}
          columns={backupColumns}
          rowKey={(row) => row.file}
          defaultSort="-ts"
        />
      )}
    </Panel>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

export function About() {
  const query = useQuery({ queryKey: ["system-info"], queryFn: () => unwrap(api().GET("/api/system/info")), staleTime: 60_000 });
  return (
    <Panel title={t("about.title")} query={query} actions={<CommandButton command={memorySnapshot} args={undefined} />}>
      {(info) => (
        <div className="stack">
          <dl className={css.facts}>
            <Fact name={t("about.version")}>{info.version}</Fact>
            <Fact name={t("about.build")}>{info.build}</Fact>
            <Fact name={t("about.commit")}>
              <span className="mono small">{info.commit}</span>
            </Fact>
            <Fact name={t("about.compiler")}>{info.compiler}</Fact>
            <Fact name={t("about.os")}>{info.os}</Fact>
            <Fact name={t("about.database")}>
              {info.database.kind} · <Value>{info.database.bytes == null ? null : formatBytes(info.database.bytes)}</Value>
            </Fact>
            <Fact name={t("about.schema")}>
              <Value>{info.schema_version}</Value>
            </Fact>
            <Fact name={t("about.journal")}>
              <Value>{info.journal_bytes == null ? null : formatBytes(info.journal_bytes)}</Value>
            </Fact>
            <Fact name={t("about.instance")}>
              <Value>{info.instance_id}</Value>
            </Fact>
            <Fact name={t("about.lease")}>
              <Value reason={t("about.noLease")}>{info.lease?.holder}</Value>
            </Fact>
            <Fact name={t("about.started")}>
              <Time at={info.started_at} />
            </Fact>
          </dl>
          <p>
            <a href={apiUrl("/api/docs")}>{t("about.api")}</a>
          </p>
          <p className="small text-3">
            <a href="https://www.tradingview.com/" rel="noreferrer">
              {t("about.charts")}
            </a>
          </p>
        </div>
      )}
    </Panel>
  );
}
