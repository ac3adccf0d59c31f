import { type ChartOptions, CrosshairMode, type DeepPartial } from "lightweight-charts";

/** Colours of the chart, read from the tokens of the theme: a canvas does not follow a style sheet by itself. */
export interface ChartColours {
  background: string;
  text: string;
  grid: string;
  line: string;
  up: string;
  down: string;
  accent: string;
  warn: string;
  faint: string;
}

export function readChartColours(element: Element): ChartColours {
  const style = getComputedStyle(element);
  const token = (name: string): string => style.getPropertyValue(name).trim();
  return {
    background: token("--panel"),
    text: token("--text-2"),
    grid: token("--grid"),
    line: token("--line"),
    up: token("--up"),
    down: token("--down"),
    accent: token("--accent"),
    warn: token("--warn"),
    faint: token("--text-3"),
  };
}

/** The same colour, see-through. Tokens are #rrggbb. */
export function withAlpha(colour: string, alpha: number): string {
  return `${colour}${Math.round(alpha * 255)
    .toString(16)
    .padStart(2, "0")}`;
}

/* The library's logo brings a style element that the content policy refuses; its attribution and link stand on the About page. */
export function chartOptions(colours: ChartColours, font: string): DeepPartial<ChartOptions> {
  return {
    layout: {
      background: { color: colours.background },
      textColor: colours.text,
      fontFamily: font,
      fontSize: 12,
      attributionLogo: false,
    },
    grid: { vertLines: { color: colours.grid }, horzLines: { color: colours.grid } },
    crosshair: { mode: CrosshairMode.Normal, vertLine: { color: colours.faint }, horzLine: { color: colours.faint } },
    timeScale: { borderColor: colours.line, timeVisible: true, secondsVisible: false, rightOffset: 6 },
    rightPriceScale: { borderColor: colours.line },
  };
}
