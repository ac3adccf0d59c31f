import { ActionIcon, Select, Switch, TagsInput, Textarea, TextInput } from "@mantine/core";
import { Undo2 } from "lucide-react";
import { useId, useMemo, useState } from "react";
import { formatFraction, humanise } from "../domain/format";
import {
  boundsOf,
  byPath,
  countIn,
  feedConditions,
  type Finding,
  isEqual,
  isNullable,
  isSection,
  keysOf,
  nodeAt,
  plainNumber,
  type PresetConfig,
  type SchemaKey,
  type SchemaNode,
  typesOf,
  unmetConditions,
  valueAt,
  valueText,
} from "../domain/preset-schema";
import { presetsText as t } from "../texts/presets";
import { Badge } from "./badge";
import { LadderField } from "./ladder-field";
import css from "./schema-form.module.css";

/** A form drawn from a schema: sections, units, defaults, bounds, meanings, and what has no effect at the moment. */

function numberOf(text: string, isNull: boolean): unknown {
  const word = text.trim().replace(",", ".");
  if (word === "") return isNull ? null : undefined;
  const value = Number(word);
  // What is no number stays as it was typed: the server says at its field that it is none.
  return Number.isFinite(value) ? value : word;
}

function textOfNumber(value: unknown): string {
  if (typeof value === "number") return plainNumber(value);
  return typeof value === "string" ? value : "";
}

interface InputProps {
  id: string;
  node: SchemaNode;
  value: unknown;
  isDisabled: boolean;
  isWrong: boolean;
  describedBy: string;
  onChange: (value: unknown) => void;
}

/** Keeps what is being typed ("0.") while its number is the value. */
function NumberField({ id, node, value, isDisabled, isWrong, describedBy, onChange }: InputProps) {
  const [typed, setTyped] = useState<string | null>(null);
  const text = typed !== null && isEqual(numberOf(typed, isNullable(node)), value) ? typed : textOfNumber(value);
  const unit = node["x-unit"];
  return (
    <TextInput
      id={id}
      value={text}
      inputMode="decimal"
      autoComplete="off"
      disabled={isDisabled}
      error={isWrong}
      aria-describedby={describedBy}
      placeholder={isNullable(node) ? t("field.emptyOff") : undefined}
      rightSection={unit === undefined ? undefined : <span className={css.unit}>{unit}</span>}
      rightSectionWidth={unit === undefined ? undefined : `${Math.min(22, unit.length + 2)}ch`}
      rightSectionPointerEvents="none"
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        onChange(numberOf(event.currentTarget.value, isNullable(node)));
      }}
    />
  );
}

function ListField({ id, node, value, isDisabled, isWrong, describedBy, onChange }: InputProps) {
  const isNumbers = node.items !== undefined && typesOf(node.items).includes("number");
  const items = Array.isArray(value) ? value.map((item) => valueText(item)) : [];
  return (
    <TagsInput
      id={id}
      size="xs"
      value={items}
      disabled={isDisabled}
      error={isWrong}
      aria-describedby={describedBy}
      placeholder={items.length === 0 && isNullable(node) ? t("field.emptyOff") : t("field.list")}
      maxTags={node.maxItems ?? Number.POSITIVE_INFINITY}
      splitChars={[",", " "]}
      onChange={(next) => {
        if (next.length === 0) onChange(isNullable(node) ? null : []);
        else onChange(isNumbers ? next.map((word) => numberOf(word, false)) : next);
      }}
    />
  );
}

function SwitchField({ id, node, value, isDisabled, describedBy, onChange }: InputProps) {
  return (
    <Switch
      id={id}
      checked={(value ?? node.default) === true}
      disabled={isDisabled}
      aria-describedby={describedBy}
      onChange={(event) => onChange(event.currentTarget.checked)}
    />
  );
}

function WordField({ id, node, value, isDisabled, isWrong, describedBy, onChange }: InputProps) {
  return (
    <Select
      id={id}
      data={(node.enum ?? []).map((word) => ({ value: word, label: humanise(word) }))}
      value={typeof (value ?? node.default) === "string" ? String(value ?? node.default) : null}
      disabled={isDisabled}
      error={isWrong}
      aria-describedby={describedBy}
      onChange={(next) => onChange(next ?? undefined)}
    />
  );
}

const LONG_TEXT = 400;

function StringField({ id, node, value, isDisabled, isWrong, describedBy, onChange }: InputProps) {
  const shared = {
    id,
    value: typeof value === "string" ? value : "",
    disabled: isDisabled,
    error: isWrong,
    "aria-describedby": describedBy,
  };
  return (node.maxLength ?? 0) >= LONG_TEXT ? (
    <Textarea {...shared} autosize minRows={3} maxRows={10} onChange={(event) => onChange(event.currentTarget.value)} />
  ) : (
    <TextInput {...shared} onChange={(event) => onChange(event.currentTarget.value)} />
  );
}

function ValueInput(props: InputProps) {
  const types = typesOf(props.node);
  if (props.node.enum) return <WordField {...props} />;
  if (types.includes("boolean")) return <SwitchField {...props} />;
  if (types.includes("array")) return <ListField {...props} />;
  if (types.includes("number") || types.includes("integer")) return <NumberField {...props} />;
  return <StringField {...props} />;
}

function isLadder(node: SchemaNode): boolean {
  return typesOf(node).includes("array") && node.items?.properties !== undefined;
}

function isFraction(node: SchemaNode): boolean {
  return (node["x-unit"] ?? "").startsWith("fraction");
}

export function FindingLine({ finding, isWarning = false }: { finding: Finding; isWarning?: boolean }) {
  return (
    <p className={isWarning ? css.warning : css.error}>
      {finding.message}
      {finding.allowed != null && finding.allowed !== "" && ` · ${t("errors.allowed", { allowed: finding.allowed })}`}
    </p>
  );
}

interface FieldProps {
  field: SchemaKey;
  schema: SchemaNode;
  config: PresetConfig;
  /** The content that is stored; what differs from it is marked. */
  saved: PresetConfig | undefined;
  errors: readonly Finding[];
  warnings: readonly Finding[];
  isRequired: boolean;
  isReadOnly: boolean;
  onChange: (path: string, value: unknown) => void;
}

function Facts({ field: { node }, isRequired, value }: { field: SchemaKey; isRequired: boolean; value: unknown }) {
  const bounds = boundsOf(node);
  const isWhole = isRequired || node.default === undefined;
  return (
    <p className={css.facts}>
      {bounds !== "" && <span>{bounds}</span>}
      {isRequired && <span>{t("field.required")}</span>}
      {!isWhole && <span>{t("field.default", { value: node.default === null ? t("field.off") : valueText(node.default) })}</span>}
      {isFraction(node) && typeof value === "number" && <span>{t("field.percent", { value: formatFraction(value) })}</span>}
      {node["x-used-in"] !== undefined && <span>{t("field.usedIn", { where: node["x-used-in"] })}</span>}
    </p>
  );
}

/** A key of the schema with its meaning, input, bounds and problems. */
export function SchemaField({ field, schema, config, saved, errors, warnings, isRequired, isReadOnly, onChange }: FieldProps) {
  const id = useId();
  const { path, node } = field;
  const value = valueAt(config, path);
  const savedValue = saved && (valueAt(saved, path) ?? node.default ?? null);
  const isChanged = saved !== undefined && !isEqual(value ?? node.default ?? null, savedValue);
  const unmet = unmetConditions(node, path, config, schema);
  const feeds = feedConditions(node);
  const name = humanise(path.slice(path.lastIndexOf(".") + 1));
  const isWide = isLadder(node) || (node.maxLength ?? 0) >= LONG_TEXT;
  const className = [
    css.field,
    isWide && css.wide,
    isChanged && css.changed,
    errors.length > 0 && css.wrong,
    unmet.length > 0 && css.inactive,
  ];
  return (
    <div className={className.filter(Boolean).join(" ")} data-path={path}>
      <div>
        <div className={css.name}>
          {isLadder(node) ? <span id={`${id}-name`}>{name}</span> : <label htmlFor={id}>{name}</label>}
          {isChanged && (
            <>
              <Badge tone="accent">
                {t("field.changed", { value: savedValue === null ? t("field.off") : valueText(savedValue) })}
              </Badge>
              {!isReadOnly && (
                <ActionIcon size={22} aria-label={t("field.reset", { name })} onClick={() => onChange(path, savedValue)}>
                  <Undo2 size={13} aria-hidden />
                </ActionIcon>
              )}
            </>
          )}
        </div>
        <div id={`${id}-about`}>
          {node.description !== undefined && <p className={css.meaning}>{node.description}</p>}
          {unmet.length > 0 && (
            <p className={css.why}>{t("field.inactive", { condition: unmet.map((word) => humanise(word)).join(", ") })}</p>
          )}
          {unmet.length === 0 &&
            feeds.map((feed) => (
              <p key={feed} className="small text-3">
                {t("field.feed", { feed })}
              </p>
            ))}
          <Facts field={field} isRequired={isRequired} value={value} />
          {errors.map((finding) => (
            <FindingLine key={`${finding.code}${finding.path}`} finding={finding} />
          ))}
          {warnings.map((finding) => (
            <FindingLine key={`${finding.code}${finding.path}`} finding={finding} isWarning />
          ))}
        </div>
      </div>
      <div className={css.input}>
        {isLadder(node) ? (
          <LadderField node={node} value={value} isDisabled={isReadOnly} onChange={(next) => onChange(path, next)} />
        ) : (
          <ValueInput
            id={id}
            node={node}
            value={value}
            isDisabled={isReadOnly}
            isWrong={errors.length > 0}
            describedBy={`${id}-about`}
            onChange={(next) => onChange(path, next)}
          />
        )}
      </div>
    </div>
  );
}

interface SchemaFormProps {
  schema: SchemaNode;
  config: PresetConfig;
  saved: PresetConfig | undefined;
  errors: readonly Finding[];
  warnings: readonly Finding[];
  isReadOnly: boolean;
  onChange: (path: string, value: unknown) => void;
  section: string;
  onSection: (section: string) => void;
  filter: string;
  onFilter: (filter: string) => void;
}

interface SectionItem {
  path: string;
  depth: number;
}

const GENERAL = "";

/** The sections of a schema and those within, in order; "" holds the keys that stand in none. */
function sectionsOf(schema: SchemaNode): SectionItem[] {
  const inner = (node: SchemaNode, prefix: string, depth: number): SectionItem[] =>
    Object.entries(node.properties ?? {}).flatMap(([name, child]) =>
      isSection(child) ? [{ path: `${prefix}${name}`, depth }, ...inner(child, `${prefix}${name}.`, depth + 1)] : [],
    );
  return [{ path: GENERAL, depth: 0 }, ...inner(schema, "", 0)];
}

function directKeys(schema: SchemaNode, section: string): SchemaKey[] {
  const node = section === GENERAL ? schema : nodeAt(schema, section);
  return Object.entries(node?.properties ?? {})
    .filter(([name, child]) => !isSection(child) && !name.startsWith("$"))
    .map(([name, child]) => ({ path: section === GENERAL ? name : `${section}.${name}`, node: child }));
}

function isRequiredKey(schema: SchemaNode, path: string): boolean {
  const at = path.lastIndexOf(".");
  const parent = at === -1 ? schema : nodeAt(schema, path.slice(0, at));
  return parent?.required?.includes(path.slice(at + 1)) ?? false;
}

function sectionName(path: string): string {
  return path === GENERAL ? t("form.general") : humanise(path.slice(path.lastIndexOf(".") + 1));
}

function matches(field: SchemaKey, words: readonly string[]): boolean {
  const text = `${field.path} ${humanise(field.path)} ${field.node.description ?? ""}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

/** Errors at this key; those of an item of a list ("steps[2]") too. */
function findingsAt(map: ReadonlyMap<string, Finding[]>, path: string): Finding[] {
  return [...map].filter(([at]) => at === path || at.startsWith(`${path}[`)).flatMap(([, findings]) => findings);
}

function SectionList({
  items,
  section,
  errors,
  onSection,
}: {
  items: readonly SectionItem[];
  section: string;
  errors: readonly Finding[];
  onSection: (section: string) => void;
}) {
  return (
    <nav className={css.sections} aria-label={t("form.sections")}>
      {items.map(({ path, depth }) => {
        const count = path === GENERAL ? errors.filter((finding) => !finding.path.includes(".")).length : countIn(errors, path);
        return (
          <button
            key={path}
            type="button"
            className={[css.section, depth > 0 && css.inner, section === path && css.current].filter(Boolean).join(" ")}
            aria-current={section === path ? "true" : undefined}
            onClick={() => onSection(path)}
          >
            {sectionName(path)}
            {count > 0 && <Badge tone="down">{count}</Badge>}
          </button>
        );
      })}
    </nav>
  );
}

/** One section at a time, or every key that matches what is searched. */
export function SchemaForm(props: SchemaFormProps) {
  const { schema, config, saved, errors, warnings, isReadOnly, onChange, section, onSection, filter, onFilter } = props;
  const items = useMemo(() => sectionsOf(schema), [schema]);
  const errorsAt = useMemo(() => byPath(errors), [errors]);
  const warningsAt = useMemo(() => byPath(warnings), [warnings]);
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const chosen = items.some(({ path }) => path === section) ? section : GENERAL;
  const fields = words.length > 0 ? keysOf(schema).filter((field) => matches(field, words)) : directKeys(schema, chosen);
  const heading = words.length > 0 ? t("form.rows", { n: fields.length }) : sectionName(chosen);
  const meaning = words.length > 0 || chosen === GENERAL ? undefined : nodeAt(schema, chosen)?.description;
  return (
    <div className={css.layout}>
      <SectionList
        items={items}
        section={words.length > 0 ? "?" : chosen}
        errors={errors}
        onSection={(next) => {
          onFilter("");
          onSection(next);
        }}
      />
      <div className={css.keys}>
        <div className="row">
          <Select
            className={css.sectionSelect}
            aria-label={t("form.sections")}
            data={items.map(({ path, depth }) => ({ value: path, label: `${depth > 0 ? "· " : ""}${sectionName(path)}` }))}
            value={chosen}
            onChange={(next) => onSection(next ?? GENERAL)}
          />
          <TextInput
            aria-label={t("form.find")}
            placeholder={t("form.find")}
            value={filter}
            onChange={(event) => onFilter(event.currentTarget.value)}
            w={220}
          />
        </div>
        <h2 className={css.group}>
          {heading} {meaning !== undefined && <span className={css.meaningOfGroup}>{meaning}</span>}
        </h2>
        {fields.map((field) => (
          <SchemaField
            key={field.path}
            field={field}
            schema={schema}
            config={config}
            saved={saved}
            errors={findingsAt(errorsAt, field.path)}
            warnings={findingsAt(warningsAt, field.path)}
            isRequired={isRequiredKey(schema, field.path)}
            isReadOnly={isReadOnly}
            onChange={onChange}
          />
        ))}
        {fields.length === 0 && <p className="text-2">{t("form.none")}</p>}
      </div>
    </div>
  );
}
