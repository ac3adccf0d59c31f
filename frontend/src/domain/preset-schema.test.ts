import { describe, expect, it } from "vitest";
import {
  boundsOf,
  differencesOf,
  isEqual,
  keysOf,
  ladderOf,
  nextRung,
  runnerShare,
  type SchemaNode,
  unmetConditions,
  valueAt,
  withValue,
} from "./preset-schema";

const schema: SchemaNode = {
  type: "object",
  properties: {
    $schema: { type: "string" },
    strategy_priority: { enum: ["momentum", "channel"] },
    channel_config: {
      type: "object",
      properties: { period: { type: "integer", default: 20, "x-active-when": "strategy_priority = channel" } },
    },
    position_config: {
      type: "object",
      properties: {
        tp_levels: { type: "array", "x-active-when": "always" },
        tp1_r: { type: ["number", "null"], default: null, "x-active-when": "tp_levels empty" },
        sl_mode: { enum: ["fixed", "chandelier", "atr"], default: "fixed" },
        chandelier_atr_mult: { type: "number", default: 3, "x-active-when": "sl_mode chandelier or atr" },
        breakeven_enabled: { type: "boolean", default: true },
        breakeven_trigger_r: { type: "number", default: 1, "x-active-when": "fsm_config.enabled = false" },
        tp_smart_placement: {
          properties: { offset: { type: "number", default: 1, "x-active-when": "a rung is smart or adaptive" } },
        },
        fsm_config: {
          type: "object",
          properties: {
            enabled: { type: "boolean", default: true },
            buffer: { type: "number", default: 5, "x-active-when": "enabled, breakeven_enabled" },
            book: { type: "number", default: 5, "x-active-when": "enabled, feed has book" },
            either: { type: "number", default: 5, "x-active-when": "breakeven_enabled or enabled" },
          },
        },
      },
    },
  },
};

function unmet(path: string, config: Record<string, unknown>): string[] {
  const field = keysOf(schema).find((key) => key.path === path);
  if (!field) throw new Error(path);
  return unmetConditions(field.node, path, config, schema);
}

describe("conditions", () => {
  it("reads switches beside the key and further out, with their defaults", () => {
    expect(unmet("position_config.fsm_config.buffer", {})).toEqual([]);
    expect(unmet("position_config.fsm_config.buffer", { position_config: { breakeven_enabled: false } })).toEqual([
      "breakeven_enabled",
    ]);
    const off = { position_config: { breakeven_enabled: false, fsm_config: { enabled: false } } };
    expect(unmet("position_config.fsm_config.buffer", off)).toEqual(["enabled", "breakeven_enabled"]);
    expect(unmet("position_config.fsm_config.either", off)).toEqual(["breakeven_enabled or enabled"]);
    expect(unmet("position_config.fsm_config.either", { position_config: { breakeven_enabled: false } })).toEqual([]);
  });

  it("reads words, equalities and empty lists", () => {
    expect(unmet("channel_config.period", { strategy_priority: "momentum" })).toEqual(["strategy_priority = channel"]);
    expect(unmet("channel_config.period", { strategy_priority: "channel" })).toEqual([]);
    expect(unmet("position_config.chandelier_atr_mult", {})).toEqual(["sl_mode chandelier or atr"]);
    expect(unmet("position_config.chandelier_atr_mult", { position_config: { sl_mode: "atr" } })).toEqual([]);
    expect(unmet("position_config.breakeven_trigger_r", {})).toEqual(["fsm_config.enabled = false"]);
    const laddered = { position_config: { tp_levels: [{ placement_mode: "smart" }] } };
    expect(unmet("position_config.tp1_r", laddered)).toEqual(["tp_levels empty"]);
    expect(unmet("position_config.tp1_r", {})).toEqual([]);
    expect(unmet("position_config.tp_smart_placement.offset", laddered)).toEqual([]);
    expect(unmet("position_config.tp_smart_placement.offset", {})).toEqual(["a rung is smart or adaptive"]);
  });

  it("leaves to the feed what only the feed can tell", () => {
    expect(unmet("position_config.fsm_config.book", {})).toEqual([]);
  });
});

describe("contents", () => {
  it("changes a copy, makes sections and takes keys out", () => {
    const before = { a: { b: 1 } };
    expect(withValue(before, "a.c", 2)).toEqual({ a: { b: 1, c: 2 } });
    expect(withValue(before, "x.y", 2)).toEqual({ a: { b: 1 }, x: { y: 2 } });
    expect(withValue(before, "a.b", undefined)).toEqual({ a: {} });
    expect(before).toEqual({ a: { b: 1 } });
    expect(valueAt({ a: 1 }, "a.b")).toBeUndefined();
  });

  it("compares by value and counts an absent key as its default", () => {
    expect(isEqual({ a: [1, { b: null }], c: 2 }, { c: 2, a: [1, { b: null }] })).toBe(true);
    expect(isEqual({ a: 1 }, { a: 1, b: undefined })).toBe(false);
    expect(differencesOf(schema, {}, { channel_config: { period: 20 } })).toEqual([]);
    expect(differencesOf(schema, {}, { channel_config: { period: 30 } })).toEqual([
      { key: "channel_config.period", a: 20, b: 30 },
    ]);
  });

  it("writes bounds as they are", () => {
    expect(boundsOf({ type: "number", exclusiveMinimum: 0, maximum: 0.1 })).toBe("> 0 … 0.1");
    expect(boundsOf({ type: "number", minimum: -1, maximum: 1e12 })).toBe("-1 … 10^12");
    expect(boundsOf({ type: "string", maxLength: 200 })).toBe("≤ 200");
    expect(boundsOf({ type: "boolean" })).toBe("");
  });
});

describe("ladder", () => {
  const rungs = ladderOf([
    { level_name: "TP1", reward_multiple: 1, size_pct: 0.3, placement_mode: "smart" },
    { level_name: "TP2", reward_multiple: 2.5, size_pct: 0.6, placement_mode: "smart" },
  ]);

  it("knows what runs on, without dust of binary fractions", () => {
    expect(runnerShare(rungs)).toBe(0.1);
    expect(runnerShare([])).toBe(1);
  });

  it("adds a rung that never takes more than is left", () => {
    expect(nextRung(rungs)).toEqual({ level_name: "TP3", reward_multiple: 3.5, size_pct: 0.1, placement_mode: "smart" });
    expect(nextRung([])).toEqual({ level_name: "TP1", reward_multiple: 1, size_pct: 0.25, placement_mode: "fixed" });
  });
});
