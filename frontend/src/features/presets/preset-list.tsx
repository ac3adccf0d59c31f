import { Button, Modal, Select, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Copy, Plus } from "lucide-react";
import { type SyntheticEvent, useState } from "react";
import { createPreset, forgetPreset, getPreset } from "../../api/presets";
import { presetsQuery } from "../../api/queries";
import { hasRole, useRole } from "../../api/session";
import type { Preset } from "../../api/types";
import { CommandButton } from "../../commands/host";
import { deletePreset } from "../../commands/presets";
import { formatBps, formatCompact, formatFraction, humanise } from "../../domain/format";
import { type ApiError, toApiError } from "../../domain/problem";
import { useSearchState } from "../../hooks/use-search-state";
import { presetsText as t } from "../../texts/presets";
import { Badge } from "../../ui/badge";
import { type Column, DataTable } from "../../ui/data-table";
import { ErrorNote, Panel } from "../../ui/panel";
import { toastDone } from "../../ui/toast";
import { Count, Percent, Value } from "../../ui/value";
import css from "./presets.module.css";

export function OriginBadges({ preset }: { preset: Pick<Preset, "built_in" | "modified" | "in_use"> }) {
  return (
    <span className="row-tight">
      {preset.in_use && (
        <Badge tone="up" dot>
          {t("origin.inUse")}
        </Badge>
      )}
      {preset.modified ? (
        <Badge tone="warn">{t("origin.modified")}</Badge>
      ) : (
        <Badge>{t(preset.built_in ? "origin.builtIn" : "origin.own")}</Badge>
      )}
    </span>
  );
}

function Filters({ preset }: { preset: Preset }) {
  if (preset.min_24h_volume_usd == null) return <Value reason={t("value.invalid")}>{null}</Value>;
  return (
    <span className={css.filters}>
      <span className="nowrap">{t("filters.volume", { value: formatCompact(preset.min_24h_volume_usd) })}</span>
      <span className="nowrap">{t("filters.spread", { value: formatBps(preset.max_spread_bps) })}</span>
      <span className="nowrap">
        {t("filters.atr", { low: formatFraction(preset.atr_range_min), high: formatFraction(preset.atr_range_max) })}
      </span>
    </span>
  );
}

function Findings({ preset }: { preset: Preset }) {
  if (preset.errors.length > 0)
    return (
      <Badge tone="down" title={preset.errors.join("\n")}>
        {t("findings.errors", { n: preset.errors.length })}
      </Badge>
    );
  if (preset.warnings.length > 0)
    return (
      <Badge tone="warn" title={preset.warnings.join("\n")}>
        {t("findings.warnings", { n: preset.warnings.length })}
      </Badge>
    );
  return <span className="text-3">{t("findings.none")}</span>;
}

const invalid = t("value.invalid");

function makeColumns(onDeleted: (name: string) => void, onCopy: (name: string) => void): Column<Preset>[] {
  return [
    {
      id: "name",
      header: t("column.name"),
      cell: (row) => <strong>{row.name}</strong>,
      sort: (row) => row.name,
      isTitle: true,
    },
    {
      id: "strategy",
      header: t("column.strategy"),
      cell: (row) => <Value reason={invalid}>{row.strategy_priority == null ? null : humanise(row.strategy_priority)}</Value>,
      sort: (row) => row.strategy_priority,
    },
    {
      id: "sides",
      header: t("column.sides"),
      cell: (row) => <Value reason={invalid}>{row.allowed_sides ?? null}</Value>,
      sort: (row) => row.allowed_sides,
    },
    {
      id: "risk",
      header: t("column.risk"),
      align: "end",
      cell: (row) => <Percent value={row.risk_per_trade} of="fraction" reason={invalid} />,
      sort: (row) => row.risk_per_trade,
    },
    {
      id: "slots",
      header: t("column.slots"),
      align: "end",
      cell: (row) => <Count value={row.max_positions} reason={invalid} />,
      sort: (row) => row.max_positions,
    },
    {
      id: "filters",
      header: t("column.filters"),
      hint: t("column.filtersHint"),
      cell: (row) => <Filters preset={row} />,
      sort: (row) => row.min_24h_volume_usd,
    },
    {
      id: "markets",
      header: t("column.markets"),
      cell: (row) => (
        <Value reason={invalid}>
          {row.target_markets == null ? null : <span className={`${css.markets} text-2`}>{row.target_markets}</span>}
        </Value>
      ),
      sort: (row) => row.target_markets,
    },
    {
      id: "origin",
      header: t("column.origin"),
      cell: (row) => <OriginBadges preset={row} />,
      sort: (row) => (row.in_use ? 0 : row.modified ? 1 : row.built_in ? 3 : 2),
      text: (row) =>
        [row.in_use && t("origin.inUse"), row.modified && t("origin.modified"), row.built_in && t("origin.builtIn")]
          .filter(Boolean)
          .join(" "),
    },
    {
      id: "findings",
      header: t("column.findings"),
      cell: (row) => <Findings preset={row} />,
      sort: (row) => row.errors.length * 100 + row.warnings.length,
    },
    {
      id: "actions",
      header: t("history.actions"),
      cell: (row) => (
        // The row opens the preset; its buttons do not.
        // eslint-disable-next-line jsx-a11y/no-static-element-interactions, jsx-a11y/click-events-have-key-events
        <span className="row-tight" onClick={(event) => event.stopPropagation()}>
          <Button
            variant="subtle"
            leftSection={<Copy size={14} aria-hidden />}
            aria-label={`${t("copy.label")} ${row.name}`}
            disabled={row.errors.length > 0}
            onClick={() => onCopy(row.name)}
          >
            {t("copy.label")}
          </Button>
          {(!row.built_in || row.modified) && (
            <CommandButton
              command={deletePreset}
              args={{ preset: row, onDone: () => onDeleted(row.name) }}
              variant="subtle"
              hasIcon={false}
            />
          )}
        </span>
      ),
    },
  ];
}

/** Asks for the name of a new preset and makes it as a copy of another one. */
export function NewPreset({ from, onClose }: { from: string | null; onClose: () => void }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const { data: presets } = useQuery(presetsQuery);
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState<string | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [isPending, setPending] = useState(false);
  const source = chosen ?? (from === "" ? (presets?.[0]?.name ?? null) : from);
  const isNamed = /^[a-z0-9_]{1,64}$/.test(name);
  const close = (): void => {
    setName("");
    setChosen(null);
    setError(null);
    onClose();
  };
  const submit = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    if (source === null || !isNamed) return;
    setPending(true);
    setError(null);
    try {
      const { config } = await getPreset(source);
      await createPreset({ ...config, name });
      await forgetPreset(client, name);
      toastDone(t("new.done", { name }));
      close();
      await navigate({ to: "/presets/$name", params: { name } });
    } catch (thrown) {
      setError(toApiError(thrown));
    } finally {
      setPending(false);
    }
  };
  return (
    <Modal opened={from !== null} onClose={close} title={t("new.title")}>
      <form className="stack" onSubmit={(event) => void submit(event)}>
        <Select
          label={t("new.from")}
          searchable
          data={(presets ?? []).filter((preset) => preset.errors.length === 0).map((preset) => preset.name)}
          value={source}
          onChange={setChosen}
        />
        <TextInput
          label={t("new.name")}
          description={t("new.nameHint")}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={name !== "" && !isNamed ? t("new.nameHint") : undefined}
          autoComplete="off"
          data-autofocus
        />
        {error && <ErrorNote name={t("new.title")} error={error} />}
        <Button type="submit" disabled={!isNamed || source === null} loading={isPending}>
          {t("new.create")}
        </Button>
      </form>
    </Modal>
  );
}

/** Every preset: built-in ones, changed ones, one's own; files that are no valid preset with their errors. */
export function PresetList() {
  const query = useQuery(presetsQuery);
  const client = useQueryClient();
  const navigate = useNavigate();
  const role = useRole();
  const [search, setSearch] = useSearchState({ sort: "", filter: "" });
  const [copied, setCopied] = useState<string | null>(null);
  const columns = makeColumns((name) => void forgetPreset(client, name), setCopied);
  const mayEdit = hasRole(role, "operator");
  return (
    <Panel
      title={t("list.title")}
      query={query}
      isFlush
      note={query.data && t("list.note", { n: query.data.length })}
      empty={(rows) => (rows.length === 0 ? { text: t("list.empty") } : null)}
      actions={
        <Button
          leftSection={<Plus size={14} aria-hidden />}
          disabled={!mayEdit}
          title={mayEdit ? undefined : t("why.role", { role: "operator" })}
          onClick={() => setCopied("")}
        >
          {t("new.label")}
        </Button>
      }
    >
      {(rows) => (
        <>
          <DataTable
            id="presets.list"
            label={t("list.title")}
            rows={rows}
            columns={columns}
            rowKey={(row) => row.name}
            rowLabel={(row) => row.name}
            onOpen={(row) => void navigate({ to: "/presets/$name", params: { name: row.name } })}
            sort={search.sort}
            onSort={(sort) => setSearch({ sort })}
            filter={search.filter}
            onFilter={(filter) => setSearch({ filter })}
            hasFilter
            hasColumnChoice
            isPrimary
          />
          <NewPreset from={copied} onClose={() => setCopied(null)} />
        </>
      )}
    </Panel>
  );
}
