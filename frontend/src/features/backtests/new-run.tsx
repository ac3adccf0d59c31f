import { ActionIcon, Checkbox, MultiSelect, NumberInput, Radio, Select, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Play, X } from "lucide-react";
import { useState } from "react";
import { type Dataset, datasetsQuery } from "../../api/datasets";
import { presetEditQuery, presetQuery, presetSchemaQuery } from "../../api/presets";
import { presetsQuery } from "../../api/queries";
import { hasRole, useRole } from "../../api/session";
import { formatDay, formatNumber, shortSymbol } from "../../domain/format";
import {
  differencesOf,
  type Finding,
  isEqual,
  keysOf,
  type PresetConfig,
  type SchemaNode,
  valueAt,
  withValue,
} from "../../domain/preset-schema";
import { type ApiError, toApiError } from "../../domain/problem";
import { dayMs } from "../../domain/runs";
import { isSearchKind, NO_SEARCH, SEARCH_KINDS, type SearchWords, searchParams } from "../../domain/searches";
import { useSearchState } from "../../hooks/use-search-state";
import { backtestsText as t } from "../../texts/backtests";
import { EmptyNote, ErrorNote, Panel } from "../../ui/panel";
import { SchemaField } from "../../ui/schema-form";
import { toastDone } from "../../ui/toast";
import { WhyButton } from "../../ui/why-button";
import css from "./backtests.module.css";
import { type BacktestRequest, startBacktest } from "./queries";
import { SearchFields } from "./search-fields";

const COSTS = ["taker_fee_bps", "maker_fee_bps", "slippage_bps", "impact_bps", "latency_ms"] as const;
type Cost = (typeof COSTS)[number];
const KINDS = ["backtest", "lookahead", ...SEARCH_KINDS] as const;
type Kind = (typeof KINDS)[number];

interface Words {
  symbols: string[];
  from: string;
  to: string;
  balance: number | "";
  seed: number | "";
  cuts: number | "";
  allowBad: boolean;
  costs: Partial<Record<Cost, number>>;
  search: SearchWords;
}
const EMPTY: Words = {
  symbols: [],
  from: "",
  to: "",
  balance: "",
  seed: "",
  cuts: "",
  allowBad: false,
  costs: {},
  search: NO_SEARCH,
};

function bodyOf(kind: Kind, preset: string, dataset: string, words: Words, config: PresetConfig | null): BacktestRequest {
  const from = dayMs(words.from);
  const to = dayMs(words.to);
  return {
    kind,
    ...(config === null ? { preset } : { config }),
    dataset_id: dataset,
    ...(words.symbols.length > 0 ? { symbols: words.symbols } : {}),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(words.balance === "" ? {} : { starting_balance: words.balance }),
    ...(words.seed === "" ? {} : { seed: words.seed }),
    ...(Object.keys(words.costs).length > 0 ? { costs: words.costs } : {}),
    ...(kind === "lookahead" && words.cuts !== "" ? { params: { cuts: words.cuts } } : {}),
    ...(isSearchKind(kind) ? { params: searchParams(kind, words.search) } : {}),
    ...(words.allowBad ? { allow_bad_data: true } : {}),
  };
}

/** What the server says of a field of the request. */
function errorAt(error: ApiError | null, path: string): string | undefined {
  return error?.fields.find((field) => field.path === path)?.message;
}

/** The same of the field or of anything in it. */
function errorUnder(error: ApiError | null, path: string): string | undefined {
  const found = error?.fields.find((field) => field.path === path || field.path.startsWith(`${path}.`));
  return found && (found.path === path ? found.message : `${found.path.slice(path.length + 1)}: ${found.message}`);
}

interface EditsProps {
  schema: SchemaNode;
  saved: PresetConfig;
  config: PresetConfig;
  picked: readonly string[];
  error: ApiError | null;
  onPick: (keys: string[]) => void;
  onChange: (config: PresetConfig) => void;
}

/** Keys of the preset that this run takes with another value. */
function Edits({ schema, saved, config, picked, error, onPick, onChange }: EditsProps) {
  const changed = differencesOf(schema, saved, config).map(({ key }) => key);
  const shown = [...new Set([...picked, ...changed])];
  const findings: Finding[] = (error?.fields ?? []).map((field) => ({ ...field, path: field.path.replace(/^config\./, "") }));
  const all = keysOf(schema);
  return (
    <div className="stack">
      <p className="text-2">{shown.length === 0 ? t("form.noEdits") : t("form.editsHint")}</p>
      {all
        .filter(({ path }) => shown.includes(path))
        .map((field) => (
          <div key={field.path} className={css.edit}>
            <SchemaField
              field={field}
              schema={schema}
              config={config}
              saved={saved}
              errors={findings.filter(({ path }) => path === field.path || path.startsWith(`${field.path}[`))}
              warnings={[]}
              isRequired={false}
              isReadOnly={false}
              onChange={(path, value) => onChange(withValue(config, path, value))}
            />
            <ActionIcon
              aria-label={t("form.removeEdit", { key: field.path })}
              onClick={() => {
                onPick(picked.filter((key) => key !== field.path));
                onChange(withValue(config, field.path, valueAt(saved, field.path)));
              }}
            >
              <X size={14} aria-hidden />
            </ActionIcon>
          </div>
        ))}
      <Select
        aria-label={t("form.addEdit")}
        placeholder={t("form.addEdit")}
        searchable
        w={300}
        maw="100%"
        data={all.map(({ path }) => path).filter((path) => path !== "name" && !shown.includes(path))}
        value={null}
        onChange={(key) => {
          if (key !== null) onPick([...picked, key]);
        }}
      />
    </div>
  );
}

function datasetLabel(dataset: Dataset): string {
  const score = dataset.quality?.score;
  const quality = score == null ? t("form.measuring") : t("form.quality", { score: formatNumber(score, 0) });
  return `${dataset.name} · ${quality}`;
}

function NumberWord({
  label,
  value,
  placeholder,
  error,
  onChange,
}: {
  label: string;
  value: number | "";
  placeholder: string;
  error?: string | undefined;
  onChange: (value: number | "") => void;
}) {
  return (
    <NumberInput
      label={label}
      value={value}
      placeholder={placeholder}
      error={error}
      hideControls
      onChange={(next) => onChange(typeof next === "number" ? next : "")}
    />
  );
}

/** The form of a new backtest: what, on which data, from when to when, at which costs. */
export function NewRun() {
  const navigate = useNavigate();
  const role = useRole();
  const [search, setSearch] = useSearchState({ preset: "", dataset: "", kind: "backtest" });
  const presets = useQuery(presetsQuery);
  const datasets = useQuery(datasetsQuery);
  const { data: schema } = useQuery(presetSchemaQuery);
  const usable = (datasets.data ?? []).filter(({ status }) => status === "ready");
  const dataset = usable.find(({ dataset_id: id }) => id === search.dataset) ?? usable[0];
  const valid = (presets.data ?? []).filter(({ errors }) => errors.length === 0);
  const preset = search.preset === "" ? (valid.find((row) => row.in_use)?.name ?? valid[0]?.name ?? "") : search.preset;
  const { data: stored } = useQuery({ ...presetQuery(preset), enabled: preset !== "" });
  // What is being edited on the page of the preset comes along.
  const { data: draft } = useQuery(presetEditQuery(preset));
  const [edited, setEdited] = useState<{ preset: string; config: PresetConfig } | null>(null);
  const [picked, setPicked] = useState<string[]>([]);
  const [words, setWords] = useState<Words>(EMPTY);
  const [error, setError] = useState<ApiError | null>(null);
  const [isPending, setPending] = useState(false);

  const kind = KINDS.find((word) => word === search.kind) ?? "backtest";
  const config = edited?.preset === preset ? edited.config : (draft?.config ?? stored?.config);
  const hasEdits = stored !== undefined && config !== undefined && !isEqual(config, stored.config);
  const isBad = dataset?.quality?.is_usable === false;
  const change = (patch: Partial<Words>): void => setWords({ ...words, ...patch });
  const why = !hasRole(role, "operator")
    ? t("form.why")
    : preset === ""
      ? t("form.noPreset")
      : dataset === undefined
        ? t("form.noData")
        : null;
  const start = async (): Promise<void> => {
    if (dataset === undefined) return;
    setPending(true);
    setError(null);
    try {
      const run = await startBacktest(bodyOf(kind, preset, dataset.dataset_id, words, hasEdits ? config : null));
      toastDone(t("form.started", { id: run.run_id }));
      await navigate({ to: "/backtests/$id", params: { id: run.run_id } });
    } catch (thrown) {
      setError(toApiError(thrown));
    } finally {
      setPending(false);
    }
  };
  return (
    <div className="stack">
      <Panel title={t("form.what")} query={datasets} empty={(rows) => (rows.length === 0 ? { text: t("form.noDataset") } : null)}>
        <div className={css.form}>
          <div className={css.whole}>
            <Radio.Group label={t("form.kind")} value={kind} onChange={(next) => setSearch({ kind: next })}>
              <div className="row">
                {KINDS.map((word) => (
                  <Radio key={word} size="xs" value={word} label={t(`kind.${word}`)} />
                ))}
              </div>
            </Radio.Group>
          </div>
          <Select
            label={t("form.preset")}
            searchable
            data={valid.map(({ name }) => name)}
            value={preset === "" ? null : preset}
            onChange={(next) => {
              setPicked([]);
              setSearch({ preset: next ?? "" });
            }}
          />
          <Select
            label={t("form.dataset")}
            data={usable.map((row) => ({ value: row.dataset_id, label: datasetLabel(row) }))}
            value={dataset?.dataset_id ?? null}
            error={errorAt(error, "dataset_id")}
            onChange={(next) => {
              change({ symbols: [] });
              setSearch({ dataset: next ?? "" });
            }}
          />
          <MultiSelect
            size="xs"
            label={t("form.symbols")}
            placeholder={words.symbols.length === 0 ? t("form.symbolsAll") : ""}
            searchable
            data={(dataset?.symbols ?? []).map((symbol) => ({ value: symbol, label: shortSymbol(symbol) }))}
            value={words.symbols}
            error={errorAt(error, "symbols")}
            onChange={(symbols) => change({ symbols })}
          />
          <TextInput
            type="date"
            label={t("form.from")}
            description={
              dataset?.from != null
                ? t("form.rangeHint", { from: formatDay(dataset.from, "utc"), to: formatDay(dataset.to, "utc") })
                : undefined
            }
            value={words.from}
            error={errorAt(error, "from")}
            onChange={(event) => change({ from: event.currentTarget.value })}
          />
          <TextInput
            type="date"
            label={t("form.to")}
            value={words.to}
            error={errorAt(error, "to")}
            onChange={(event) => change({ to: event.currentTarget.value })}
          />
          {kind === "lookahead" && (
            <NumberInput
              label={t("form.cuts")}
              description={t("form.cutsHint")}
              value={words.cuts}
              error={errorAt(error, "params.cuts")}
              hideControls
              onChange={(next) => change({ cuts: typeof next === "number" ? next : "" })}
            />
          )}
          {isSearchKind(kind) && (
            <SearchFields
              kind={kind}
              words={words.search}
              errorOf={(member) => errorUnder(error, `params.${member}`)}
              onChange={(patch) => change({ search: { ...words.search, ...patch } })}
            />
          )}
          {isBad && (
            <div className={css.whole}>
              <p className="tone-warn">{t("form.bad")}</p>
              <Checkbox
                label={t("form.allowBad")}
                checked={words.allowBad}
                onChange={(event) => change({ allowBad: event.currentTarget.checked })}
              />
            </div>
          )}
        </div>
      </Panel>
      <Panel title={t("form.costs")}>
        <div className={css.form}>
          <NumberWord
            label={t("form.balance")}
            value={words.balance}
            placeholder={t("form.serverDefault")}
            error={errorAt(error, "starting_balance")}
            onChange={(balance) => change({ balance })}
          />
          <NumberWord
            label={t("form.seed")}
            value={words.seed}
            placeholder={t("form.serverDefault")}
            error={errorAt(error, "seed")}
            onChange={(seed) => change({ seed })}
          />
          {COSTS.map((cost) => (
            <NumberWord
              key={cost}
              label={t(`form.${cost}`)}
              value={words.costs[cost] ?? ""}
              placeholder={t(cost.endsWith("fee_bps") ? "form.asPreset" : "form.serverDefault")}
              error={errorAt(error, `costs.${cost}`)}
              onChange={(next) => {
                const rest = Object.entries(words.costs).filter(([name]) => name !== cost);
                change({ costs: Object.fromEntries(next === "" ? rest : [...rest, [cost, next]]) });
              }}
            />
          ))}
        </div>
      </Panel>
      <Panel title={t("form.edits")}>
        {schema && stored && config ? (
          <Edits
            schema={schema}
            saved={stored.config}
            config={config}
            picked={picked}
            error={error}
            onPick={setPicked}
            onChange={(next) => setEdited({ preset, config: next })}
          />
        ) : (
          <EmptyNote text={t("form.noPreset")} />
        )}
      </Panel>
      {error && <ErrorNote name={t("new.label")} error={error} />}
      {error && error.fields.length > 0 && (
        <ul className="small tone-down">
          {error.fields.map((field) => (
            <li key={`${field.path}${field.code}`}>
              <span className="mono">{field.path}</span> {field.message}
            </li>
          ))}
        </ul>
      )}
      <div className={css.start}>
        <WhyButton why={why} loading={isPending} leftSection={<Play size={14} aria-hidden />} onClick={() => void start()}>
          {t("form.start")}
        </WhyButton>
      </div>
    </div>
  );
}
