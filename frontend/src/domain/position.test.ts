import { expect, test } from "vitest";
import {
  barScale,
  checkLadder,
  editableRungs,
  filledShare,
  isSound,
  judgeStop,
  ladderProfit,
  type PositionLike,
  rewardOf,
  riskAt,
  riskInR,
  totalsOf,
} from "./position";

const long: PositionLike = {
  side: "long",
  qty: 10,
  qty_initial: 20,
  entry: 100,
  stop: 98,
  stop_initial: 96,
  r_distance: 4,
  r_usd: 80,
  mark: 104,
  targets: [
    { level_name: "TP1", price: 103, qty: 10, size_pct: 0.5, reward_multiple: 0.75, state: "filled", filled_qty: 10 },
    { level_name: "TP2", price: 110, qty: 6, size_pct: 0.3, reward_multiple: 2.5, state: "working", filled_qty: 0 },
  ],
};
const short: PositionLike = { ...long, side: "short", stop: 102, stop_initial: 104, mark: 96, targets: [] };

test("money at risk counts against the side", () => {
  expect(riskAt(long, 98)).toBe(20);
  expect(riskAt(long, 101)).toBe(-10);
  expect(riskAt(short, 102)).toBe(20);
  expect(riskAt(short, 99)).toBe(-10);
  expect(riskInR(long, 98)).toBe(0.25);
  expect(riskInR({ ...long, r_usd: 0 }, 98)).toBeNull();
});

test("a stop is judged as the engine judges it", () => {
  expect(judgeStop(long, 99)).toEqual({ kind: "tighten", riskUsd: 10, riskChangeUsd: -10 });
  expect(judgeStop(long, 97)).toEqual({ kind: "loosen", riskUsd: 30, riskChangeUsd: 10 });
  expect(judgeStop(long, 98).kind).toBe("unchanged");
  expect(judgeStop(long, 104).kind).toBe("beyond-price");
  expect(judgeStop(long, 95.9).kind).toBe("beyond-initial");
  expect(judgeStop(long, null).kind).toBe("invalid");
  expect(judgeStop(long, Number.NaN).kind).toBe("invalid");
  expect(judgeStop({ ...long, mark: null }, 105).kind).toBe("tighten");
  expect(judgeStop(short, 101).kind).toBe("tighten");
  expect(judgeStop(short, 103).kind).toBe("loosen");
  expect(judgeStop(short, 105).kind).toBe("beyond-initial");
  expect(judgeStop(short, 96).kind).toBe("beyond-price");
});

test("the bar runs from loss to profit on both sides", () => {
  for (const position of [long, short]) {
    const scale = barScale(position);
    expect(scale.at(position.stop)).toBeLessThan(scale.at(position.entry));
    expect(scale.at(position.entry)).toBeLessThan(scale.at(position.mark ?? 0));
    expect(scale.price(scale.at(position.entry))).toBeCloseTo(position.entry, 9);
    expect(scale.at(0)).toBe(position.side === "long" ? 0 : 1);
  }
});

test("a bar without any distance still has a place for everything", () => {
  const flat = { ...long, stop: 100, stop_initial: 100, mark: null, targets: [] };
  expect(barScale(flat).at(100)).toBeCloseTo(0.5, 9);
});

test("rungs that rest can be edited, filled ones count", () => {
  expect(editableRungs(long)).toEqual([{ level_name: "TP2", price: 110, size: 0.3 }]);
  expect(filledShare(long)).toBe(0.5);
});

test("a ladder is checked as the engine checks it", () => {
  const rung = { level_name: "TP2", price: 110, size: 0.5 };
  expect(isSound(checkLadder(long, [rung]))).toBe(true);
  expect(checkLadder(long, [{ ...rung, size: 0.51 }]).ladder).toBe("too-large");
  expect(checkLadder(long, [{ ...rung, price: 104 }]).rungs).toEqual(["wrong-side"]);
  expect(checkLadder(short, [{ ...rung, price: 110 }]).rungs).toEqual(["wrong-side"]);
  expect(checkLadder(long, [{ ...rung, level_name: "TP1" }]).rungs).toEqual(["name-filled"]);
  expect(checkLadder(long, [rung, rung]).rungs).toEqual([null, "name-twice"]);
  expect(checkLadder(long, [{ ...rung, level_name: " " }]).rungs).toEqual(["no-name"]);
  expect(checkLadder(long, [{ ...rung, price: null }]).rungs).toEqual(["no-price"]);
  expect(checkLadder(long, [{ ...rung, size: 0 }]).rungs).toEqual(["no-size"]);
  const six = Array.from({ length: 6 }, (_, index) => ({ level_name: `A${index}`, price: 110, size: 0.01 }));
  expect(checkLadder(long, six).ladder).toBe("too-many");
  expect(isSound(checkLadder(long, []))).toBe(true);
});

test("what a ladder earns", () => {
  expect(ladderProfit(long, [{ level_name: "TP2", price: 110, size: 0.3 }])).toBe(60);
  expect(ladderProfit(long, [{ level_name: "TP2", price: null, size: 0.3 }])).toBeNull();
  expect(rewardOf(long, 110)).toBe(2.5);
  expect(rewardOf(short, 96)).toBe(1);
});

test("a sum with an unknown part is unknown", () => {
  const row = { notional_usd: 5, pnl_unrealised_usd: 1, pnl_usd: 2, pnl_r: 0.5 };
  expect(totalsOf([row, { ...row, pnl_r: null }])).toEqual({ notional: 10, unrealised: 2, pnl: 4, r: null });
  expect(totalsOf([])).toEqual({ notional: 0, unrealised: 0, pnl: 0, r: 0 });
});
