import { type IChartApi, type ISeriesApi, LineStyle } from "lightweight-charts";

/** A price on the chart that can be taken and put elsewhere. Nothing happens by the dragging itself: whoever is told where it was dropped asks first. */
export interface PriceGrip {
  price: number;
  label: string;
  onDrop: (price: number) => void;
}

/** How near the pointer must be to the line, px. */
const REACH = 8;

/** Lets the line of `grip` be dragged; returns what ends it. */
export function attachGrip(
  element: HTMLElement,
  chart: IChartApi,
  series: ISeriesApi<"Candlestick">,
  grip: PriceGrip,
  colour: string,
): () => void {
  let ghost: ReturnType<typeof series.createPriceLine> | null = null;
  const yOf = (event: PointerEvent): number => event.clientY - element.getBoundingClientRect().top;
  const isNear = (event: PointerEvent): boolean => {
    const line = series.priceToCoordinate(grip.price);
    return line !== null && Math.abs(yOf(event) - line) <= REACH;
  };
  const end = (): void => {
    if (ghost) series.removePriceLine(ghost);
    ghost = null;
    chart.applyOptions({ handleScroll: true, handleScale: true });
  };
  const onDown = (event: PointerEvent): void => {
    if (event.button !== 0 || !isNear(event)) return;
    ghost = series.createPriceLine({
      price: grip.price,
      color: colour,
      lineWidth: 2,
      lineStyle: LineStyle.Dashed,
      axisLabelVisible: true,
      title: grip.label,
    });
    // While it is held the chart stays where it is.
    chart.applyOptions({ handleScroll: false, handleScale: false });
    element.setPointerCapture(event.pointerId);
  };
  const onMove = (event: PointerEvent): void => {
    element.style.cursor = ghost || isNear(event) ? "ns-resize" : "";
    const price = ghost && series.coordinateToPrice(yOf(event));
    if (price !== null) ghost?.applyOptions({ price });
  };
  const onUp = (event: PointerEvent): void => {
    if (!ghost) return;
    const price = series.coordinateToPrice(yOf(event));
    const isMoved = !isNear(event);
    end();
    if (price !== null && isMoved) grip.onDrop(price);
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === "Escape" && ghost) end();
  };
  element.addEventListener("pointerdown", onDown, true);
  element.addEventListener("pointermove", onMove, true);
  element.addEventListener("pointerup", onUp, true);
  element.addEventListener("pointercancel", end);
  document.addEventListener("keydown", onKey);
  return () => {
    element.removeEventListener("pointerdown", onDown, true);
    element.removeEventListener("pointermove", onMove, true);
    element.removeEventListener("pointerup", onUp, true);
    element.removeEventListener("pointercancel", end);
    document.removeEventListener("keydown", onKey);
    element.style.cursor = "";
  };
}
