import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { datasetsQuery } from "../../api/datasets";
import { presetQuery, presetSchemaQuery, setEdit, type StoredPreset } from "../../api/presets";
import { presetsQuery } from "../../api/queries";
import { renderAt } from "../../testing/routed";
import { NewRun } from "./new-run";

const config = { name: "own", risk: { risk_per_trade: 0.01 } };
const stored = { preset: { name: "own" }, config, etag: '"a"' } as unknown as StoredPreset;
const asked: unknown[] = [];
let problem: object | null = null;
const server = setupServer(
  http.post("*/api/backtests", async ({ request }) => {
    asked.push(await request.json());
    return problem === null
      ? HttpResponse.json({ run_id: "B000007", kind: "backtest", status: "queued" }, { status: 202 })
      : HttpResponse.json(problem, { status: 422 });
  }),
);
// Typing into a whole form is slow on a busy machine.
vi.setConfig({ testTimeout: 20_000 });
beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
afterEach(() => {
  asked.length = 0;
  problem = null;
});
afterAll(() => server.close());

function show(isEdited: boolean) {
  return renderAt("/backtests/new?preset=own", <NewRun />, (client) => {
    client.setQueryData(presetsQuery.queryKey, [{ name: "own", errors: [], warnings: [], in_use: false }] as never);
    client.setQueryData(datasetsQuery.queryKey, [
      { dataset_id: "may", name: "may", status: "ready", symbols: [], quality: { score: 98, is_usable: true, symbols: [] } },
    ] as never);
    client.setQueryData(presetQuery("own").queryKey, stored);
    client.setQueryData(presetSchemaQuery.queryKey, {
      properties: { name: { type: "string" }, risk: { properties: { risk_per_trade: { type: "number" } } } },
    });
    if (isEdited) setEdit(client, "own", { base: stored, config: { name: "own", risk: { risk_per_trade: 0.03 } } });
  });
}

it("starts the saved preset with what was chosen, and goes to the run", async () => {
  const user = userEvent.setup();
  const { router } = show(false);
  await user.type(await screen.findByLabelText("Slippage, bps"), "4");
  await user.type(screen.getByLabelText("From (UTC)"), "2025-05-10");
  await user.click(screen.getByRole("button", { name: "Start" }));
  await waitFor(() => expect(router.state.location.pathname).toBe("/backtests/B000007"));
  expect(asked).toEqual([
    { kind: "backtest", preset: "own", dataset_id: "may", from: 1746835200000, costs: { slippage_bps: 4 } },
  ]);
});

it("takes the edits of the preset's page along as a content of its own", async () => {
  const user = userEvent.setup();
  show(true);
  expect(await screen.findByLabelText("risk per trade")).toHaveValue("0.03");
  await user.click(screen.getByRole("button", { name: "Start" }));
  await waitFor(() => expect(asked).toHaveLength(1));
  expect(asked[0]).toEqual({
    kind: "backtest",
    config: { name: "own", risk: { risk_per_trade: 0.03 } },
    dataset_id: "may",
  });
});

it("shows what the server refuses at its field", async () => {
  problem = {
    title: "Invalid",
    status: 422,
    code: "validation_failed",
    detail: "the request is not valid",
    request_id: "r9",
    errors: [{ path: "costs.slippage_bps", code: "out_of_bounds", message: "must be 0 to 200" }],
  };
  const user = userEvent.setup();
  const { router } = show(false);
  await user.type(await screen.findByLabelText("Slippage, bps"), "900");
  await user.click(screen.getByRole("button", { name: "Start" }));
  await waitFor(() => expect(screen.getByLabelText("Slippage, bps")).toHaveAccessibleDescription("must be 0 to 200"));
  expect(router.state.location.pathname).toBe("/backtests/new");
});

it("starts a walk-forward with its keys and windows", async () => {
  const user = userEvent.setup();
  show(false);
  await user.click(await screen.findByRole("radio", { name: "walk-forward" }));
  await user.click(await screen.findByLabelText("Keys to search"));
  await user.paste("risk.risk_per_trade = 0.01,0.02\nchannel_config.period=10:40:10");
  await user.type(screen.getByLabelText("In-sample, days"), "30");
  await user.type(screen.getByLabelText("Out-of-sample, days"), "10");
  await user.click(screen.getByRole("button", { name: "Start" }));
  await waitFor(() => expect(asked).toHaveLength(1));
  expect(asked[0]).toEqual({
    kind: "walk_forward",
    preset: "own",
    dataset_id: "may",
    params: {
      parameters: { "risk.risk_per_trade": [0.01, 0.02], "channel_config.period": "10:40:10" },
      in_days: 30,
      out_days: 10,
    },
  });
});
