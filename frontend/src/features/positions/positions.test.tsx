import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { setupServer } from "msw/node";
import type { ReactNode } from "react";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { keys } from "../../api/keys";
import type { Position } from "../../api/types";
import { CommandHost } from "../../commands/host";
import { engineStatus } from "../../testing/records";
import { renderUi } from "../../testing/render";
import { PositionActions } from "./actions";
import { StopEditor } from "./stop-editor";
import { TargetEditor } from "./target-editor";

const URL = "*/api/trading/positions/P1";

/** A long of 10 at 100, stop 98, price 104; the risk of the trade was 40 USD. */
const position = {
  position_id: "P1",
  symbol: "ETC/USDT:USDT",
  side: "long",
  strategy: "momentum",
  state: "running",
  management: "full",
  stop_rule: "initial",
  qty: 10,
  qty_initial: 10,
  entry: 100,
  stop: 98,
  stop_initial: 96,
  r_distance: 4,
  r_usd: 40,
  mark: 104,
  protected: true,
  unprotected_ms: 0,
  pnl_unrealised_usd: 40,
  pnl_usd: 39,
  pnl_r: 0.98,
  entry_completed_at: 1,
  opened_at: 1,
  targets: [
    {
      level_name: "TP1",
      price: 110,
      price_planned: 110,
      qty: 4,
      size_pct: 0.4,
      reward_multiple: 2.5,
      placement_mode: "fixed",
      state: "working",
      filled_qty: 0,
      client_order_id: "o1",
      filled_at: null,
    },
  ],
} as unknown as Position;

const sent: { path: string; body: unknown }[] = [];
const server = setupServer(
  http.post(`${URL}/:what`, async ({ request, params }) => {
    const body = await request.json();
    sent.push({ path: String(params["what"]), body });
    const price = (body as { price?: number }).price;
    if (price === 103)
      return HttpResponse.json(
        { status: 422, code: "validation_failed", detail: "the stop would lie at or beyond the price", request_id: "r7" },
        { status: 422, headers: { "content-type": "application/problem+json" } },
      );
    if (params["what"] === "close")
      return HttpResponse.json({
        operation: { message: "closing 25 %" },
        closed_qty: 0,
        position_id: "P1",
        status: "in_progress",
      });
    return HttpResponse.json({ ...position, stop: price ?? position.stop });
  }),
);
beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
afterEach(() => {
  sent.length = 0;
});
afterAll(() => server.close());

const frame = {
  go: vi.fn(),
  openEmergencySheet: vi.fn(),
  openPalette: vi.fn(),
  openKeyHelp: vi.fn(),
  switchTheme: vi.fn(),
  switchDensity: vi.fn(),
};

function show(content: ReactNode): void {
  renderUi(<CommandHost frame={frame}>{content}</CommandHost>, "dark", (client) => {
    client.setQueryData(keys.engine, engineStatus());
    client.setQueryData(keys.positions, [position]);
    client.setQueryData(["me"], { user: { username: "o", role: "operator" }, auth_enabled: true });
  });
}

async function type(label: string, text: string): Promise<void> {
  const field = await screen.findByLabelText(label);
  await userEvent.clear(field);
  await userEvent.type(field, text);
}

test("a stop nearer to the price is moved at once", async () => {
  const onClose = vi.fn();
  show(<StopEditor position={position} isOpen onClose={onClose} />);
  await type("New stop", "99");
  expect(screen.getByText(/10.00 USD less at risk/)).toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: "Move stop" }));
  await waitFor(() => expect(onClose).toHaveBeenCalled());
  expect(sent).toEqual([{ path: "stop", body: { price: 99 } }]);
});

test("a looser stop asks first and says what it costs", async () => {
  show(<StopEditor position={position} isOpen onClose={vi.fn()} />);
  await type("New stop", "97");
  await userEvent.click(screen.getByRole("button", { name: "Move stop" }));
  const line = await screen.findByText(/10.00 USD more at risk; at the new stop/);
  expect(sent).toEqual([]);
  const dialog = line.closest("form");
  await userEvent.click(dialog?.querySelector("button[type=submit]") as HTMLElement);
  await waitFor(() => expect(sent).toEqual([{ path: "stop", body: { price: 97, confirm: true } }]));
});

test("a stop that cannot be is not sent", async () => {
  show(<StopEditor position={position} isOpen onClose={vi.fn()} />);
  await type("New stop", "105");
  expect(screen.getByText("The stop would lie at or beyond the price.")).toBeInTheDocument();
  expect(screen.getByRole("button", { name: "Move stop" })).toBeDisabled();
  await type("New stop", "95");
  expect(screen.getByText(/never looser than the initial one/)).toBeInTheDocument();
  expect(sent).toEqual([]);
});

test("a refusal of the server is shown and the editor stays", async () => {
  const onClose = vi.fn();
  show(<StopEditor position={position} isOpen onClose={onClose} />);
  await type("New stop", "103");
  await userEvent.click(screen.getByRole("button", { name: "Move stop" }));
  expect(await screen.findByText(/at or beyond the price/)).toBeInTheDocument();
  expect(screen.getByText(/r7/)).toBeInTheDocument();
  expect(onClose).not.toHaveBeenCalled();
});

test("the handle on the bar moves with the keys", async () => {
  show(<StopEditor position={position} isOpen onClose={vi.fn()} />);
  const handle = await screen.findByRole("slider");
  handle.focus();
  await userEvent.keyboard("{ArrowRight}{ArrowRight}");
  expect(screen.getByLabelText("New stop")).toHaveValue("98.4");
});

test("a part is closed after the dialog", async () => {
  show(<PositionActions position={position} />);
  await userEvent.click(await screen.findByRole("button", { name: "25 %" }));
  expect(await screen.findByText(/Closes 2.5 of ETC\/USDT long/)).toBeInTheDocument();
  expect(sent).toEqual([]);
  await userEvent.keyboard("{Enter}");
  await waitFor(() => expect(sent).toEqual([{ path: "close", body: { fraction: 0.25, urgency: "normal" } }]));
});

test("the ladder is checked and set as a whole", async () => {
  const onClose = vi.fn();
  show(<TargetEditor position={position} isOpen onClose={onClose} />);
  await type("Size %", "120");
  expect(screen.getByRole("button", { name: "Set targets" })).toBeDisabled();
  await type("Size %", "50");
  await type("Price", "103");
  expect(screen.getByText("Not beyond the price on the side of profit.")).toBeInTheDocument();
  await type("Price", "112");
  await userEvent.click(screen.getByRole("button", { name: "Set targets" }));
  await waitFor(() => expect(onClose).toHaveBeenCalled());
  expect(sent).toEqual([{ path: "targets", body: { targets: [{ level_name: "TP1", price: 112, size_pct: 0.5 }] } }]);
});
