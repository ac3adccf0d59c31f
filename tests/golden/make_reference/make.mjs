// Writes ../data/candles.csv and ../data/indicators.csv: 5m candles of the shipped recording and what independent libraries make of them.
// A recursive indicator is fed exactly the window that ours uses (10 n candles, for the true range one more before), so that the two agree
// to the last digits; every value is the newest one the library gives for its window.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import * as statistics from "simple-statistics";

const require = createRequire(import.meta.url);
const talib = require("talib-web");
const technical = require("technicalindicators");

const recording = new URL("../../../recordings/binance-usdm-2025-05/", import.meta.url).pathname;
const data = new URL("../data/", import.meta.url).pathname;
const FROM = Date.parse("2025-05-20T06:00:00Z");
const CANDLES = 200;
const FIRST_ROW = 150; // 141 candles before it are needed

function fiveMinutes(symbol) {
  const text = execFileSync("zstd", ["-dcq", `${recording}${symbol}-1m.csv.zst`], { maxBuffer: 1 << 28 }).toString();
  const minutes = text.trim().split("\n").slice(1).map((line) => line.split(",").map(Number));
  const first = minutes.findIndex((minute) => minute[0] === FROM);
  return Array.from({ length: CANDLES }, (_, k) => {
    const part = minutes.slice(first + 5 * k, first + 5 * k + 5);
    if (part[4][0] !== FROM + (5 * k + 4) * 60000) throw new Error(`${symbol}: minutes are missing`);
    return {
      ts: part[0][0], open: part[0][1], high: Math.max(...part.map((m) => m[2])), low: Math.min(...part.map((m) => m[3])), close: part[4][4],
      volume: part.map((m) => m[5]).reduce((a, b) => a + b, 0),
    };
  });
}

const candles = fiveMinutes("SOLUSDT");
const others = fiveMinutes("BTCUSDT");
// The library fetches its code; node fetches no files, but data.
const code = readFileSync(require.resolve("talib-web").replace("index.cjs.js", "talib.wasm"));
await talib.init(`data:application/wasm;base64,${code.toString("base64")}`);

const last = (values) => values[values.length - 1];
const pick = (window, key) => window.map((candle) => candle[key]);
const hlc = (window) => ({ high: pick(window, "high"), low: pick(window, "low"), close: pick(window, "close") });
const closes = (window) => pick(window, "close");
// TA-Lib's wrapper leaves its arrays as long as the input, with the values at the front and rubbish behind: the newest value stands before
// the places that the function's look-back left unused.
const newest = (call, parameters, lookback) => {
  const inputs = Object.values(parameters).find(Array.isArray).length;
  return call(parameters).output[inputs - 1 - lookback];
};

// header: library:indicator:a:b; tolerance relative to the larger of 1 and the value; of: value at row t
const columns = [
  ["talib-web:true_range:0:0", 1e-12, (t) => newest(talib.TRANGE, hlc(candles.slice(t - 1, t + 1)), 1)],
  ["talib-web:atr:14:0", 1e-9, (t) => newest(talib.ATR, { ...hlc(candles.slice(t - 140, t + 1)), timePeriod: 14 }, 14)],
  ["technicalindicators:atr:14:0", 1e-9, (t) => last(technical.ATR.calculate({ ...hlc(candles.slice(t - 140, t + 1)), period: 14 }))],
  ["talib-web:ema:9:0", 1e-9, (t) => newest(talib.EMA, { inReal: closes(candles.slice(t - 89, t + 1)), timePeriod: 9 }, 8)],
  ["technicalindicators:ema:9:0", 1e-9, (t) => last(technical.EMA.calculate({ values: closes(candles.slice(t - 89, t + 1)), period: 9 }))],
  ["talib-web:sma:20:0", 1e-9, (t) => newest(talib.SMA, { inReal: closes(candles.slice(t - 19, t + 1)), timePeriod: 20 }, 19)],
  ["technicalindicators:bollinger_width:20:0", 1e-9, (t) => {
    const band = last(technical.BollingerBands.calculate({ values: closes(candles.slice(t - 19, t + 1)), period: 20, stdDev: 2 }));
    return (100 * (band.upper - band.lower)) / band.middle;
  }],
  // TA-Lib takes the variance as the difference of two sums of squares and loses digits by it.
  ["talib-web:bollinger_width:20:0", 1e-6, (t) => {
    const window = { inReal: closes(candles.slice(t - 19, t + 1)), timePeriod: 20 };
    return (400 * newest(talib.STDDEV, { ...window, nbDev: 1 }, 19)) / newest(talib.SMA, window, 19);
  }],
  // The library counts places from 1 to n; ours is the middle of the place, so that a window of equal values has the rank 50.
  ["simple-statistics:percentile_rank:100:0", 1e-12, (t) => {
    const window = closes(candles.slice(t - 99, t + 1));
    return 100 * statistics.quantileRank(window, last(window)) - 50 / window.length;
  }],
  ["talib-web:donchian_high:20:0", 0, (t) => newest(talib.MAX, { inReal: pick(candles.slice(t - 20, t), "high"), timePeriod: 20 }, 19)],
  ["talib-web:donchian_low:20:0", 0, (t) => newest(talib.MIN, { inReal: pick(candles.slice(t - 20, t), "low"), timePeriod: 20 }, 19)],
  ["technicalindicators:vwap:20:0", 1e-9, (t) => {
    const window = candles.slice(t - 19, t + 1);
    return last(technical.VWAP.calculate({ ...hlc(window), volume: pick(window, "volume") }));
  }],
  ["simple-statistics:correlation:30:0", 1e-9, (t) =>
    statistics.sampleCorrelation(closes(candles.slice(t - 29, t + 1)), closes(others.slice(t - 29, t + 1)))],
  ["talib-web:correlation:30:0", 1e-4, (t) =>
    newest(talib.CORREL, { inReal0: closes(candles.slice(t - 29, t + 1)), inReal1: closes(others.slice(t - 29, t + 1)), timePeriod: 30 }, 29)],
  ["simple-statistics:volume_surge:12:12", 1e-12, (t) =>
    statistics.median(pick(candles.slice(t - 11, t + 1), "volume")) / statistics.median(pick(candles.slice(t - 23, t - 11), "volume"))],
  ["simple-statistics:volume_surge:1:20", 1e-12, (t) => candles[t].volume / statistics.median(pick(candles.slice(t - 20, t), "volume"))],
  ["talib-web:slope:14:0", 1e-9, (t) => newest(talib.LINEARREG_SLOPE, { inReal: closes(candles.slice(t - 13, t + 1)), timePeriod: 14 }, 13)],
  ["simple-statistics:slope:14:0", 1e-9, (t) => statistics.linearRegression(closes(candles.slice(t - 13, t + 1)).map((y, x) => [x, y])).m],
  ["talib-web:rsi:14:0", 1e-9, (t) => newest(talib.RSI, { inReal: closes(candles.slice(t - 139, t + 1)), timePeriod: 14 }, 14)],
  // This library rounds to two places.
  ["technicalindicators:rsi:14:0", 5e-4, (t) => last(technical.RSI.calculate({ values: closes(candles.slice(t - 139, t + 1)), period: 14 }))],
  ["simple-statistics:z_score:20:0", 1e-9, (t) => {
    const before = closes(candles.slice(t - 20, t));
    return statistics.zScore(candles[t].close, statistics.mean(before), statistics.standardDeviation(before));
  }],
];

const versions = JSON.parse(readFileSync(new URL("package.json", import.meta.url))).dependencies;
const from = Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", ");
const candleLines = candles.map((c, i) => [c.ts, c.open, c.high, c.low, c.close, c.volume, others[i].close].join(","));
writeFileSync(`${data}candles.csv`, ["# SOLUSDT 5m and the close of BTCUSDT, from the 1m candles of recordings/binance-usdm-2025-05 (make_reference/make.mjs)",
  "open_ts,open,high,low,close,volume,other_close", ...candleLines, ""].join("\n"));
const rows = [];
for (let t = FIRST_ROW; t < CANDLES; t++) rows.push([candles[t].ts, ...columns.map(([, , of]) => of(t))].join(","));
writeFileSync(`${data}indicators.csv`, [`# ${from} on candles.csv (make_reference/make.mjs): library:indicator:a:b, its tolerance, its values`,
  ["open_ts", ...columns.map(([name]) => name)].join(","), ["tolerance", ...columns.map(([, tolerance]) => tolerance)].join(","), ...rows, ""].join("\n"));
