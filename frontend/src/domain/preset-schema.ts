import { formatNumber } from "./format";

/** The schema of a preset as /api/presets/schema tells it (JSON Schema 2020-12 with units and conditions), and what a form needs to know of it. */

export type PresetConfig = Record<string, unknown>;

export interface SchemaNode {
  type?: string | string[];
  description?: string;
  properties?: Record<string, SchemaNode>;
  required?: string[];
  items?: SchemaNode;
  enum?: string[];
  default?: unknown;
  minimum?: number;
  exclusiveMinimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  minItems?: number;
  maxItems?: number;
  "x-unit"?: string;
  "x-active-when"?: string;
  "x-used-in"?: string;
}

export function typesOf(node: SchemaNode): string[] {
  return node.type === undefined ? [] : Array.isArray(node.type) ? node.type : [node.type];
}

export function isNullable(node: SchemaNode): boolean {
  return typesOf(node).includes("null");
}

export function isSection(node: SchemaNode): boolean {
  return node.properties !== undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value at a dotted path; undefined where there is none. */
export function valueAt(config: unknown, path: string): unknown {
  if (path === "") return config;
  let value = config;
  for (const word of path.split(".")) {
    if (!isRecord(value)) return undefined;
    value = value[word];
  }
  return value;
}

/** A copy of the config with the value at the path; undefined takes the key out. Sections on the way are made. */
export function withValue(config: PresetConfig, path: string, value: unknown): PresetConfig {
  const [word = "", ...rest] = path.split(".");
  const next: PresetConfig = { ...config };
  if (rest.length > 0) {
    const inner = next[word];
    next[word] = withValue(isRecord(inner) ? inner : {}, rest.join("."), value);
  } else if (value === undefined) Reflect.deleteProperty(next, word);
  else next[word] = value;
  return next;
}

/** Equal as JSON, whatever the order of keys. */
export function isEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, index) => isEqual(item, b[index]));
  if (!isRecord(a) || !isRecord(b)) return false;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => name in b && isEqual(a[name], b[name]));
}

/** A key of the schema that holds a value, with its dotted path. */
export interface SchemaKey {
  path: string;
  node: SchemaNode;
}

/** Every key that holds a value, in the order of the schema. */
export function keysOf(schema: SchemaNode, prefix = ""): SchemaKey[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, node]) => {
    if (name.startsWith("$")) return [];
    const path = prefix === "" ? name : `${prefix}.${name}`;
    return isSection(node) ? keysOf(node, path) : [{ path, node }];
  });
}

/** The schema of the key at a dotted path. */
export function nodeAt(schema: SchemaNode, path: string): SchemaNode | undefined {
  let node: SchemaNode | undefined = schema;
  for (const word of path.split(".")) node = node?.properties?.[word];
  return node;
}

export interface KeyDifference {
  key: string;
  a: unknown;
  b: unknown;
}

/** Keys in which two contents differ; a key that is absent counts as its default. */
export function differencesOf(schema: SchemaNode, a: PresetConfig, b: PresetConfig): KeyDifference[] {
  return keysOf(schema).flatMap(({ path, node }) => {
    const left = valueAt(a, path) ?? node.default ?? null;
    const right = valueAt(b, path) ?? node.default ?? null;
    return isEqual(left, right) ? [] : [{ key: path, a: left, b: right }];
  });
}

/* ---- active when ---- */

function isEmptyValue(value: unknown): boolean {
  return value === null || value === undefined || (Array.isArray(value) && value.length === 0);
}

/** The value of a key named in a condition: looked for beside the key, then further out. */
function lookUp(name: string, path: string, config: PresetConfig, schema: SchemaNode): { value: unknown } | null {
  const words = path.split(".").slice(0, -1);
  for (let depth = words.length; depth >= 0; depth--) {
    const at = [...words.slice(0, depth), name].join(".");
    const node = nodeAt(schema, at);
    if (node) return { value: valueAt(config, at) ?? node.default ?? null };
  }
  return null;
}

function rungsOf(config: PresetConfig): unknown[] {
  const rungs = valueAt(config, "position_config.tp_levels");
  return Array.isArray(rungs) ? rungs : [];
}

/* true or false where the preset itself tells; null where it depends on the feed or on the key's own value. */
function holds(condition: string, path: string, config: PresetConfig, schema: SchemaNode): boolean | null {
  if (condition === "a rung is smart or adaptive")
    return rungsOf(config).some((rung) => isRecord(rung) && ["smart", "adaptive"].includes(String(rung["placement_mode"])));
  const match = /^([a-z0-9_.]+)(?: (?:= )?(.+))?$/.exec(condition);
  if (!match || condition === "always") return null;
  const [, name = "", rest] = match;
  const found = lookUp(name, path, config, schema);
  if (!found) return null;
  if (rest === undefined) return found.value === true;
  if (rest === "empty") return isEmptyValue(found.value);
  if (rest === "not empty") return !isEmptyValue(found.value);
  if (rest === "null") return found.value === null;
  // "sl_mode chandelier or atr" names words of one key, "a or b" two keys of their own.
  if (rest.startsWith("or ")) {
    const other = holds(rest.slice(3), path, config, schema);
    return found.value === true || other === true ? true : other === null ? null : false;
  }
  return rest.split(" or ").includes(String(found.value));
}

/** Of "enabled, trailing_enabled" the parts that do not hold now; none when the key has an effect, or when only the feed can tell. */
export function unmetConditions(node: SchemaNode, path: string, config: PresetConfig, schema: SchemaNode): string[] {
  const text = node["x-active-when"];
  if (text === undefined) return [];
  return text.split(", ").filter((part) => holds(part, path, config, schema) === false);
}

/** Conditions that the feed decides: "feed has book". */
export function feedConditions(node: SchemaNode): string[] {
  return (node["x-active-when"] ?? "").split(", ").filter((part) => part.startsWith("feed has"));
}

/* ---- words ---- */

/** A number as it would be written into the file: no grouping, nothing rounded. */
export function plainNumber(value: number): string {
  return Number.isInteger(value) && Math.abs(value) >= 1e15 ? value.toExponential() : String(value);
}

function bound(value: number): string {
  return Math.abs(value) >= 1e6 && Number.isInteger(Math.log10(Math.abs(value)))
    ? `10^${formatNumber(Math.log10(Math.abs(value)), 0)}`
    : plainNumber(value);
}

/** "> 0 … 0.1", "0 … 1", "≤ 200 characters": what may stand in a field. */
export function boundsOf(node: SchemaNode): string {
  if (typesOf(node).includes("string") && node.enum === undefined)
    return node.maxLength === undefined ? "" : `≤ ${node.maxLength}`;
  const low =
    node.exclusiveMinimum !== undefined
      ? `> ${bound(node.exclusiveMinimum)}`
      : node.minimum !== undefined
        ? bound(node.minimum)
        : "";
  if (low === "" && node.maximum === undefined) return "";
  return `${low} … ${node.maximum === undefined ? "" : bound(node.maximum)}`;
}

/** A value of a preset in a list of differences. */
export function valueText(value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (typeof value === "number") return plainNumber(value);
  if (typeof value === "string") return value;
  return JSON.stringify(value);
}

/* ---- target ladder ---- */

export interface Rung {
  level_name: string;
  reward_multiple: number | null;
  size_pct: number | null;
  placement_mode: string;
}

/** The rungs of tp_levels as far as they can be read. */
export function ladderOf(value: unknown): Rung[] {
  if (!Array.isArray(value)) return [];
  return value.filter(isRecord).map((row) => ({
    level_name: typeof row["level_name"] === "string" ? row["level_name"] : "",
    reward_multiple: typeof row["reward_multiple"] === "number" ? row["reward_multiple"] : null,
    size_pct: typeof row["size_pct"] === "number" ? row["size_pct"] : null,
    placement_mode: typeof row["placement_mode"] === "string" ? row["placement_mode"] : "",
  }));
}

/** What is left of the position after all rungs: 1 is everything. */
export function runnerShare(rungs: readonly Rung[]): number {
  const taken = rungs.reduce((sum, rung) => sum + (rung.size_pct ?? 0), 0);
  return Math.max(0, Math.round((1 - taken) * 1e9) / 1e9);
}

/** The rung that a press on "add" makes: one R further, the smaller of a quarter and what is left. */
export function nextRung(rungs: readonly Rung[]): Rung {
  const last = rungs.at(-1);
  return {
    level_name: `TP${rungs.length + 1}`,
    reward_multiple: (last?.reward_multiple ?? 0) + 1,
    size_pct: Math.min(0.25, runnerShare(rungs)),
    placement_mode: last?.placement_mode ?? "fixed",
  };
}

/* ---- findings ---- */

export interface Finding {
  path: string;
  code: string;
  message: string;
  value?: string | null | undefined;
  allowed?: string | null | undefined;
}

/** Findings by the key they belong to. Those of a rung ("position_config.tp_levels[1].size_pct") also count for the list. */
export function byPath(findings: readonly Finding[]): Map<string, Finding[]> {
  const map = new Map<string, Finding[]>();
  for (const finding of findings) map.set(finding.path, [...(map.get(finding.path) ?? []), finding]);
  return map;
}

/** How many findings lie in a section. */
export function countIn(findings: readonly Finding[], section: string): number {
  return findings.filter(({ path }) => path === section || path.startsWith(`${section}.`) || path.startsWith(`${section}[`))
    .length;
}
