import { ActionIcon, Menu, SegmentedControl, Switch } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Download, Layers, Maximize2, Table2 } from "lucide-react";
import { useMemo, useRef, useState } from "react";
import type { FeedMessage } from "../../api/feed";
import { useFeedMessages, useFeedTopics } from "../../api/live";
import { positionsQuery } from "../../api/queries";
import { formatCompact, formatDateTime, formatPrice, shortSymbol, symbolSlug } from "../../domain/format";
import { useChoice, usePreferences, useScheme } from "../../hooks/preferences";
import { chartText as t } from "../../texts/chart";
import { type Column, DataTable } from "../../ui/data-table";
import { Panel } from "../../ui/panel";
import { Time } from "../../ui/time";
import { Compact, Price } from "../../ui/value";
import {
  chartMarkers,
  indicatorCurves,
  levelLines,
  type Overlay,
  overlays,
  overlaysShownAtFirst,
  positionLines,
  stopCurve,
  withCandle,
} from "./overlays";
import type { PriceGrip } from "./grip";
import { type ChartCurve, type ChartHandle, PriceChart } from "./price-chart";
import {
  bookCapability,
  type Candle,
  candlesKey,
  candlesQuery,
  densityQuery,
  marketDataQuery,
  levelsQuery,
  markersQuery,
  stopHistoryQuery,
  type Timeframe,
  timeframes,
} from "./queries";
import css from "./symbol-chart.module.css";

interface SymbolChartProps {
  symbol: string;
  timeframe: Timeframe;
  onTimeframe: (timeframe: Timeframe) => void;
  isLog?: boolean;
  onLog?: (isLog: boolean) => void;
  /** A moment to show: of a trade, a decision. */
  focusTs?: number | null;
  /** Without tools: a part of another page. */
  isCompact?: boolean;
  height?: number | string;
  /** A price that can be dragged: the stop of a position. */
  grip?: PriceGrip | undefined;
}

function isSame(a: string, b: string): boolean {
  return symbolSlug(a) === symbolSlug(b);
}

/* Candles of the feed go into the loaded ones; a jump in time (the recording began again) loads anew. */
function useCandles(symbol: string, timeframe: Timeframe, focusTs: number | null) {
  const client = useQueryClient();
  const query = useQuery(candlesQuery(symbol, timeframe, focusTs));
  useFeedTopics(["candles"], [symbol]);
  useFeedMessages(["CANDLE"], ({ data }: FeedMessage) => {
    const candle = data["candle"] as Candle | undefined;
    if (focusTs !== null || !candle || data["timeframe"] !== timeframe || !isSame(String(data["symbol"]), symbol)) return;
    const key = candlesKey(symbol, timeframe, focusTs);
    const before = client.getQueryData<Candle[]>(key);
    if (!before) return;
    const after = withCandle(before, candle);
    if (after) client.setQueryData(key, after);
    else void client.invalidateQueries({ queryKey: key });
  });
  return query;
}

function useShown(): [ReadonlySet<Overlay>, (overlay: Overlay) => void] {
  const [stored, store] = useChoice("chart.overlays", overlaysShownAtFirst.join(","));
  const shown = useMemo(
    () => new Set(stored.split(",").filter((word): word is Overlay => (overlays as readonly string[]).includes(word))),
    [stored],
  );
  const toggle = (overlay: Overlay): void => {
    const next = new Set(shown);
    if (!next.delete(overlay)) next.add(overlay);
    store([...next].join(","));
  };
  return [shown, toggle];
}

/* What is drawn over the candles, by the overlays that are on. */
function useDrawing(symbol: string, candles: readonly Candle[], shown: ReadonlySet<Overlay>, isCompact: boolean) {
  const { data: levels } = useQuery(levelsQuery(symbol, shown.has("levels")));
  const { data: markers } = useQuery(markersQuery(symbol, shown.has("trades") || shown.has("signals") || shown.has("breakouts")));
  const { data: market } = useQuery({ ...marketDataQuery(symbol), enabled: shown.has("walls") });
  const { data: density } = useQuery(
    densityQuery(symbol, shown.has("walls") && market?.capabilities.includes(bookCapability) === true),
  );
  const { data: positions } = useQuery(positionsQuery);
  const position = positions?.find((each) => isSame(each.symbol, symbol));
  const { data: detail } = useQuery(stopHistoryQuery(shown.has("stop") ? (position?.position_id ?? null) : null));
  const lines = useMemo(
    () => [
      ...(shown.has("levels") ? levelLines(levels ?? [], isCompact) : []),
      ...(shown.has("position") && position ? positionLines(position) : []),
    ],
    [levels, position, shown, isCompact],
  );
  const curves = useMemo((): ChartCurve[] => {
    const indicators = indicatorCurves(candles, shown, position?.side ?? "long");
    const lastTs = candles.at(-1)?.ts;
    if (!position || !detail || lastTs === undefined || !shown.has("stop")) return indicators;
    const moves = detail.stop_history.map((move) => ({ ts: move.ts, price: move.new }));
    return [...indicators, stopCurve(moves, { ts: position.opened_at, stop: position.stop_initial }, lastTs)];
  }, [candles, shown, position, detail]);
  const drawn = useMemo(() => chartMarkers(markers ?? [], shown, isCompact), [markers, shown, isCompact]);
  const walls = useMemo(
    () =>
      shown.has("walls")
        ? (density?.walls ?? []).flatMap((wall) =>
            wall.state === "removed" || wall.size_usd == null || wall.initial_size_usd == null
              ? []
              : [{ price: wall.price, size: wall.size_usd, sizeInitial: wall.initial_size_usd, side: wall.side }],
          )
        : [],
    [density, shown],
  );
  return { lines, curves, markers: drawn, walls };
}

function Legend({ candle, symbol }: { candle: Candle | undefined; symbol: string }) {
  if (!candle) return null;
  const tone = candle.close >= candle.open ? "tone-up" : "tone-down";
  const parts: readonly (readonly [string, string])[] = [
    [t("legend.open"), formatPrice(candle.open, symbol)],
    [t("legend.high"), formatPrice(candle.high, symbol)],
    [t("legend.low"), formatPrice(candle.low, symbol)],
    [t("legend.close"), formatPrice(candle.close, symbol)],
    [t("legend.volume"), formatCompact(candle.volume)],
  ];
  return (
    <div className={`${css.legend} small`}>
      <span className="text-3">{formatDateTime(candle.ts, { seconds: false })}</span>
      {parts.map(([name, value]) => (
        <span key={name}>
          <span className="text-3">{name}</span> <span className={tone}>{value}</span>
        </span>
      ))}
    </div>
  );
}

const columns = (symbol: string): Column<Candle>[] => [
  { id: "ts", header: t("table.time"), cell: (candle) => <Time at={candle.ts} />, sort: (candle) => candle.ts },
  { id: "open", header: t("table.open"), cell: (candle) => <Price symbol={symbol} value={candle.open} />, align: "end" },
  { id: "high", header: t("table.high"), cell: (candle) => <Price symbol={symbol} value={candle.high} />, align: "end" },
  { id: "low", header: t("table.low"), cell: (candle) => <Price symbol={symbol} value={candle.low} />, align: "end" },
  { id: "close", header: t("table.close"), cell: (candle) => <Price symbol={symbol} value={candle.close} />, align: "end" },
  {
    id: "volume",
    header: t("table.volume"),
    cell: (candle) => <Compact value={candle.volume} />,
    align: "end",
    sort: (candle) => candle.volume,
  },
];

function save(handle: ChartHandle | null, name: string): void {
  const picture = handle?.image();
  if (!picture) return;
  const link = document.createElement("a");
  link.download = `${name}.png`;
  link.href = picture.toDataURL("image/png");
  link.click();
}

/** The chart of a symbol with its tools: timeframe, overlays, scale, table view, image. */
export function SymbolChart(props: SymbolChartProps) {
  const { symbol, timeframe, onTimeframe, isLog = false, onLog, focusTs = null, isCompact = false, height = 420 } = props;
  const scheme = useScheme();
  const { zone } = usePreferences();
  const query = useCandles(symbol, timeframe, focusTs);
  const [shown, toggle] = useShown();
  const [hoverTs, setHoverTs] = useState<number | null>(null);
  const [isTable, setTable] = useState(false);
  const handle = useRef<ChartHandle>(null);
  const none: readonly Candle[] = useMemo(() => [], []);
  const candles = query.data ?? none;
  const drawing = useDrawing(symbol, candles, shown, isCompact);
  const name = shortSymbol(symbol);
  const first = candles[0];
  const last = candles.at(-1);
  const summary =
    first && last
      ? t("chart.summary", {
          symbol: name,
          timeframe,
          n: candles.length,
          from: formatDateTime(first.ts, { seconds: false }),
          to: formatDateTime(last.ts, { seconds: false }),
          price: formatPrice(last.close, symbol),
          levels: drawing.lines.length,
          markers: drawing.markers.length,
        })
      : t("chart.summaryEmpty", { symbol: name });
  const tools = (
    <>
      <SegmentedControl
        data={timeframes.map((word) => ({ value: word, label: word }))}
        value={timeframe}
        onChange={(word) => onTimeframe(word)}
        aria-label={t("chart.timeframe")}
      />
      {!isCompact && (
        <>
          <Menu closeOnItemClick={false} position="bottom-end">
            <Menu.Target>
              <ActionIcon aria-label={t("chart.overlays")} title={t("chart.overlays")}>
                <Layers size={16} aria-hidden />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              {overlays.map((overlay) => (
                <Menu.CheckboxItem key={overlay} checked={shown.has(overlay)} onChange={() => toggle(overlay)}>
                  {t(`overlay.${overlay}`)}
                </Menu.CheckboxItem>
              ))}
            </Menu.Dropdown>
          </Menu>
          {onLog && <Switch label={t("chart.scale")} checked={isLog} onChange={(event) => onLog(event.currentTarget.checked)} />}
          <ActionIcon aria-label={t("chart.fit")} title={t("chart.fit")} onClick={() => handle.current?.fit()}>
            <Maximize2 size={16} aria-hidden />
          </ActionIcon>
          <ActionIcon
            aria-label={t("chart.image")}
            title={t("chart.image")}
            onClick={() => save(handle.current, `${symbolSlug(symbol)}-${timeframe}`)}
          >
            <Download size={16} aria-hidden />
          </ActionIcon>
        </>
      )}
      <ActionIcon
        aria-label={t("table.asTable")}
        title={t("table.asTable")}
        aria-pressed={isTable}
        onClick={() => setTable(!isTable)}
      >
        <Table2 size={16} aria-hidden />
      </ActionIcon>
    </>
  );
  const hovered = hoverTs === null ? last : (candles.find((candle) => candle.ts === hoverTs) ?? last);
  return (
    <Panel
      title={`${name} · ${timeframe}`}
      query={query}
      renewed="feed"
      skeleton="chart"
      isFlush
      actions={tools}
      empty={(rows) => (rows.length === 0 ? { text: t("chart.none", { symbol: name, timeframe }) } : null)}
    >
      {isTable ? (
        <DataTable
          id="chart.candles"
          label={summary}
          rows={candles}
          columns={columns(symbol)}
          rowKey={(candle) => String(candle.ts)}
          defaultSort="-ts"
          maxHeight={height}
        />
      ) : (
        <div className={css.chart} style={{ height }}>
          <Legend candle={hovered} symbol={symbol} />
          <PriceChart
            ref={handle}
            summary={summary}
            candles={candles}
            symbol={symbol}
            lines={drawing.lines}
            curves={drawing.curves}
            markers={drawing.markers}
            walls={drawing.walls}
            grip={props.grip}
            isLog={isLog}
            focusTs={focusTs}
            onHover={setHoverTs}
            scheme={scheme}
            zone={zone}
          />
        </div>
      )}
    </Panel>
  );
}
