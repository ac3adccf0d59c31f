import { act, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import axe from "axe-core";
import { describe, expect, it, vi } from "vitest";
import { ApiError } from "../domain/problem";
import { inKit, renderUi } from "../testing/render";
import { Badge } from "./badge";
import { LimitBar } from "./bar";
import { ConfirmDialog } from "./confirm-dialog";
import { ConnectionContext } from "./connection";
import { type Column, DataTable } from "./data-table";
import { CommandPalette } from "./palette";
import { Panel, type QueryLike } from "./panel";
import { Sparkline } from "./sparkline";
import { TimeAgo } from "./time";
import { Compact, Price, RMultiple, Usd } from "./value";

function query<T>(patch: Partial<QueryLike<T>>): QueryLike<T> {
  return { data: undefined, error: null, isPending: false, dataUpdatedAt: Date.now(), refetch: vi.fn(), ...patch };
}
const list = (rows: string[]) => (
  <ul>
    {rows.map((row) => (
      <li key={row}>{row}</li>
    ))}
  </ul>
);

describe("panel", () => {
  it("shows a skeleton, and after five seconds that it still loads", () => {
    vi.useFakeTimers();
    renderUi(
      <Panel<string[]> title="Orders" query={query<string[]>({ isPending: true })}>
        {list}
      </Panel>,
    );
    expect(screen.getByRole("status")).toHaveTextContent("Loading Orders");
    act(() => {
      vi.advanceTimersByTime(5000);
    });
    expect(screen.getByText("Still loading…")).toBeInTheDocument();
    vi.useRealTimers();
  });

  it("says why it is empty and offers the next step", () => {
    const empty = (rows: string[]) =>
      rows.length > 0 ? null : { text: "No order yet.", action: <button type="button">Start</button> };
    renderUi(
      <Panel title="Orders" query={query<string[]>({ data: [] })} empty={empty}>
        {list}
      </Panel>,
    );
    expect(screen.getByText("No order yet.")).toBeInTheDocument();
    expect(screen.getByRole("button", { name: "Start" })).toBeInTheDocument();
  });

  it("says what failed, with code and request id, and tries again", async () => {
    const refetch = vi.fn();
    const error = new ApiError({ status: 503, code: "not_ready", message: "the engine starts", requestId: "r-7" });
    renderUi(
      <Panel<string[]> title="Orders" query={query<string[]>({ error, refetch })}>
        {list}
      </Panel>,
    );
    const alert = screen.getByRole("alert");
    expect(alert).toHaveTextContent("Orders could not be loaded");
    expect(alert).toHaveTextContent("the engine starts");
    expect(alert).toHaveTextContent("not_ready · request r-7");
    await userEvent.click(within(alert).getByRole("button", { name: "Retry" }));
    expect(refetch).toHaveBeenCalledOnce();
  });

  it("keeps the last rows when a refresh fails, and says so", () => {
    const error = new ApiError({ status: 0, code: "network", message: "no answer" });
    renderUi(
      <Panel title="Orders" query={query({ data: ["a"], error })}>
        {list}
      </Panel>,
    );
    expect(screen.getByText("a")).toBeInTheDocument();
    expect(screen.getByText("no answer")).toBeInTheDocument();
  });

  it("marks values of the feed as old while it is not connected", () => {
    const live = (isLive: boolean) => (
      <ConnectionContext value={{ isLive, lastSeenAt: Date.now() - 12_000 }}>
        <Panel title="Orders" query={query({ data: ["a"] })} renewed="feed">
          {list}
        </Panel>
      </ConnectionContext>
    );
    renderUi(live(true)).unmount();
    expect(screen.queryByText(/as of/)).not.toBeInTheDocument();
    renderUi(live(false));
    expect(screen.getByText("as of 12 s ago")).toBeInTheDocument();
  });

  it("marks polled values as old after three intervals, at least ten seconds", () => {
    const old = (ms: number) => (
      <Panel title="Orders" query={query({ data: ["a"], dataUpdatedAt: Date.now() - ms })} renewed={5000}>
        {list}
      </Panel>
    );
    renderUi(old(14_000)).unmount();
    expect(screen.queryByText(/as of/)).not.toBeInTheDocument();
    renderUi(old(16_000));
    expect(screen.getByText("as of 16 s ago")).toBeInTheDocument();
  });
});

describe("values", () => {
  it("shows a dash with the reason for what is not known", () => {
    renderUi(<Price value={null} reason="no book in this feed" />);
    expect(screen.getByLabelText("no book in this feed")).toHaveTextContent("—");
  });

  it("tells profit and loss by sign and arrow", () => {
    renderUi(
      <>
        <Usd value={5} signed arrow />
        <RMultiple value={-1} arrow />
      </>,
    );
    expect(screen.getByText("+5.00").closest("span")).toHaveTextContent("▲");
    expect(screen.getByText("−1.00 R")).toHaveTextContent("▼");
  });
});

interface Row {
  symbol: string;
  r: number | null;
}
const rows: Row[] = [
  { symbol: "SOL", r: 1 },
  { symbol: "BTC", r: null },
  { symbol: "ETH", r: 3 },
];
const columns: Column<Row>[] = [
  { id: "symbol", header: "Symbol", cell: (row) => row.symbol, sort: (row) => row.symbol },
  { id: "r", header: "R", cell: (row) => <RMultiple value={row.r} />, sort: (row) => row.r, align: "end" },
];
function table(onOpen?: (row: Row) => void, cards: "never" | "always" = "never") {
  return (
    <DataTable
      id="test"
      label="Trades"
      rows={rows}
      columns={columns}
      rowKey={(row) => row.symbol}
      onOpen={onOpen}
      hasFilter
      hasColumnChoice
      isPrimary
      cards={cards}
    />
  );
}
const symbols = () =>
  screen
    .getAllByRole("row")
    .slice(1)
    .map((row) => row.textContent.slice(0, 3));

describe("table", () => {
  it("sorts by its headings, unknown values last", async () => {
    renderUi(table());
    await userEvent.click(screen.getByRole("button", { name: "R" }));
    expect(symbols()).toEqual(["ETH", "SOL", "BTC"]);
    expect(screen.getByRole("columnheader", { name: "R" })).toHaveAttribute("aria-sort", "descending");
    await userEvent.click(screen.getByRole("button", { name: "R" }));
    expect(screen.getByRole("columnheader", { name: "R" })).toHaveAttribute("aria-sort", "ascending");
  });

  it("does not move the row under the pointer, until another order is asked for", async () => {
    const live = (list: Row[]) => (
      <DataTable
        id="test"
        label="Trades"
        rows={list}
        columns={columns}
        rowKey={(row) => row.symbol}
        defaultSort="-r"
        cards="never"
      />
    );
    const { rerender } = renderUi(live(rows));
    await userEvent.hover(screen.getByText("SOL"));
    rerender(inKit(live([...rows.map((row) => (row.symbol === "BTC" ? { ...row, r: 9 } : row)), { symbol: "XRP", r: 99 }])));
    expect(symbols()).toEqual(["ETH", "SOL", "BTC", "XRP"]);
    await userEvent.unhover(screen.getByText("SOL"));
    expect(symbols()).toEqual(["XRP", "BTC", "ETH", "SOL"]);
  });

  it("filters, and says when nothing is left", async () => {
    renderUi(table());
    await userEvent.type(screen.getByRole("textbox", { name: "Filter Trades" }), "eth");
    expect(symbols()).toEqual(["ETH"]);
    await userEvent.type(screen.getByRole("textbox", { name: "Filter Trades" }), "x");
    await userEvent.click(screen.getByRole("button", { name: "Clear the filter" }));
    expect(symbols()).toHaveLength(3);
  });

  it("goes from row to row with j and k and opens with Enter", async () => {
    const onOpen = vi.fn();
    renderUi(table(onOpen));
    await userEvent.keyboard("jj");
    expect(document.activeElement).toHaveTextContent("BTC");
    await userEvent.keyboard("k{Enter}");
    expect(onOpen).toHaveBeenCalledExactlyOnceWith(rows[0]);
  });

  it("becomes cards", () => {
    renderUi(table(vi.fn(), "always"));
    expect(screen.queryByRole("table")).not.toBeInTheDocument();
    expect(screen.getAllByRole("listitem")).toHaveLength(3);
  });
});

it("wants the word before it confirms", async () => {
  const onConfirm = vi.fn();
  renderUi(
    <ConfirmDialog
      isOpen
      title="Start live"
      form={{ kind: "type", word: "START LIVE" }}
      effect={["Real money"]}
      confirmLabel="Start live"
      onConfirm={onConfirm}
      onClose={vi.fn()}
    />,
  );
  const button = screen.getByRole("button", { name: "Start live" });
  await userEvent.type(screen.getByLabelText("Type START LIVE to confirm"), "start live");
  expect(button).toBeDisabled();
  await userEvent.clear(screen.getByLabelText("Type START LIVE to confirm"));
  await userEvent.type(screen.getByLabelText("Type START LIVE to confirm"), "START LIVE");
  await userEvent.click(button);
  expect(onConfirm).toHaveBeenCalledExactlyOnceWith("");
});

it("finds and runs from the palette", async () => {
  const run = vi.fn();
  const blocked = vi.fn();
  const items = [
    { id: "a", group: "Engine", label: "Pause", run },
    { id: "b", group: "Engine", label: "Resume", blocked: "not now", run: blocked },
  ];
  renderUi(<CommandPalette isOpen items={items} onClose={vi.fn()} />);
  await userEvent.type(screen.getByRole("combobox"), "resu{Enter}");
  expect(blocked).not.toHaveBeenCalled();
  await userEvent.clear(screen.getByRole("combobox"));
  await userEvent.type(screen.getByRole("combobox"), "pau{Enter}");
  await vi.waitFor(() => expect(run).toHaveBeenCalledOnce());
});

describe.each(["dark", "light"] as const)("accessibility, %s", (scheme) => {
  it("has no violation that axe knows", async () => {
    const { container } = renderUi(
      <main>
        <h1>Kit</h1>
        <Panel title="States" query={query({ data: ["a"] })}>
          {list}
        </Panel>
        <Panel title="Broken" query={query<string[]>({ error: new ApiError({ status: 500, code: "internal", message: "x" }) })}>
          {list}
        </Panel>
        <Badge tone="up" dot>
          running
        </Badge>
        <LimitBar name="Day limit" used={0.4} />
        <Sparkline values={[1, 2, 3]} summary="Equity from 1 to 3" />
        <Compact value={1_250_000} />
        <TimeAgo at={0} />
        {table(vi.fn())}
      </main>,
      scheme,
    );
    // Colours need a layout: the browser run checks contrast.
    const { violations } = await axe.run(container, { rules: { "color-contrast": { enabled: false } } });
    expect(violations.map((violation) => `${violation.id}: ${violation.nodes[0]?.html ?? ""}`)).toEqual([]);
  });
});
