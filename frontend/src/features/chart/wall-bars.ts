import type {
  IPrimitivePaneRenderer,
  IPrimitivePaneView,
  ISeriesApi,
  ISeriesPrimitive,
  SeriesAttachedParameter,
  SeriesType,
} from "lightweight-charts";
import { type ChartColours, withAlpha } from "./chart-theme";

/** A wall of the order book as the chart needs it. */
export interface WallBar {
  price: number;
  /** Resting USD now, and when it was first seen. */
  size: number;
  sizeInitial: number;
  side: "bid" | "ask";
}

type Target = Parameters<IPrimitivePaneRenderer["draw"]>[0];

const WIDTH_MAX_PX = 120;
const HEIGHT_PX = 5;
const HATCH_PX = 4;

/** Walls as bars at the right edge: as long as their size beside the largest, the part that was eaten hatched. */
export class WallBars implements ISeriesPrimitive {
  #walls: readonly WallBar[] = [];
  #colours: ChartColours | null = null;
  #series: ISeriesApi<SeriesType> | null = null;
  #requestUpdate: () => void = () => undefined;
  readonly #views: IPrimitivePaneView[];

  constructor() {
    this.#views = [{ renderer: () => ({ draw: (target) => this.#draw(target) }) }];
  }

  attached({ series, requestUpdate }: SeriesAttachedParameter): void {
    this.#series = series;
    this.#requestUpdate = requestUpdate;
  }

  detached(): void {
    this.#series = null;
  }

  paneViews(): readonly IPrimitivePaneView[] {
    return this.#views;
  }

  set(walls: readonly WallBar[], colours: ChartColours): void {
    this.#walls = walls;
    this.#colours = colours;
    this.#requestUpdate();
  }

  #draw(target: Target): void {
    const largest = Math.max(...this.#walls.map((wall) => wall.sizeInitial), 0);
    const colours = this.#colours;
    if (largest <= 0 || colours === null) return;
    target.useMediaCoordinateSpace(({ context, mediaSize }) => {
      for (const wall of this.#walls) {
        const y = this.#series?.priceToCoordinate(wall.price);
        if (y == null) continue;
        const colour = wall.side === "bid" ? colours.up : colours.down;
        const whole = (wall.sizeInitial / largest) * WIDTH_MAX_PX;
        const left = Math.min(1, wall.size / wall.sizeInitial) * whole;
        context.fillStyle = withAlpha(colour, 0.75);
        context.fillRect(mediaSize.width - left, y - HEIGHT_PX / 2, left, HEIGHT_PX);
        hatch(context, mediaSize.width - whole, y - HEIGHT_PX / 2, whole - left, withAlpha(colour, 0.6));
      }
    });
  }
}

function hatch(context: CanvasRenderingContext2D, x: number, y: number, width: number, colour: string): void {
  if (width <= 0) return;
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.beginPath();
  for (let at = x; at < x + width; at += HATCH_PX) {
    context.moveTo(at, y + HEIGHT_PX);
    context.lineTo(Math.min(at + HEIGHT_PX, x + width), y);
  }
  context.stroke();
}
