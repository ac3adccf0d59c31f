import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { renderAt } from "../../testing/routed";
import { PresetEditor } from "./preset-editor";

const schema = {
  type: "object",
  required: ["name", "risk"],
  properties: {
    name: { type: "string", maxLength: 64, description: "identity" },
    risk: {
      type: "object",
      description: "risk of a trade",
      required: ["risk_per_trade"],
      properties: {
        risk_per_trade: { type: "number", exclusiveMinimum: 0, maximum: 0.1, description: "1 R", "x-unit": "fraction of equity" },
        max_consecutive_losses: { type: "integer", minimum: 1, maximum: 20, default: 5, description: "losing trades" },
      },
    },
  },
};

let stored = { risk_per_trade: 0.01, max_consecutive_losses: 5, hash: "aaa" };
const puts: { match: string | null; body: unknown }[] = [];

function reply() {
  const { hash, ...risk } = stored;
  return HttpResponse.json(
    {
      name: "own",
      description: "mine",
      target_markets: "all",
      strategy_priority: "momentum",
      built_in: false,
      modified: false,
      hash,
      in_use: false,
      risk_per_trade: risk.risk_per_trade,
      max_positions: 3,
      warnings: [],
      config: { name: "own", risk },
    },
    { headers: { ETag: `"${hash}"` } },
  );
}

const server = setupServer(
  http.get("*/api/presets/schema", () => HttpResponse.json(schema)),
  http.get("*/api/presets/own", reply),
  http.get("*/api/presets", () => HttpResponse.json({ items: [], next_cursor: null })),
  http.post("*/api/presets/validate", async ({ request }) => {
    const body = (await request.json()) as { config: { risk: { risk_per_trade: unknown } } };
    const value = body.config.risk.risk_per_trade;
    const isValid = typeof value === "number" && value <= 0.1;
    const error = {
      path: "risk.risk_per_trade",
      code: "out_of_bounds",
      message: "is outside its bounds",
      value: String(value),
      allowed: "> 0 to 0.1",
    };
    return HttpResponse.json({ valid: isValid, errors: isValid ? [] : [error], warnings: [], hash: null });
  }),
  http.put("*/api/presets/own", async ({ request }) => {
    const match = request.headers.get("if-match");
    const body = (await request.json()) as { config: { risk: typeof stored } };
    puts.push({ match, body });
    if (match !== `"${stored.hash}"`)
      return HttpResponse.json(
        { title: "Changed", status: 412, code: "etag_mismatch", detail: "changed meanwhile", request_id: "r1" },
        { status: 412 },
      );
    stored = { ...body.config.risk, hash: "ccc" };
    return reply();
  }),
);
// Typing into a whole form is slow on a busy machine.
vi.setConfig({ testTimeout: 20_000 });
beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
afterEach(() => {
  stored = { risk_per_trade: 0.01, max_consecutive_losses: 5, hash: "aaa" };
  puts.length = 0;
});
afterAll(() => server.close());

async function field(name: string): Promise<HTMLElement> {
  return screen.findByLabelText(name);
}

it("shows an error at its field as one types, and does not save it", async () => {
  const user = userEvent.setup();
  renderAt("/presets/own", <PresetEditor name="own" />);
  const input = await field("risk per trade");
  await user.clear(input);
  await user.type(input, "0.5");
  const row = input.closest("[data-path]") as HTMLElement;
  expect(await within(row).findByText(/is outside its bounds/)).toHaveTextContent("allowed: > 0 to 0.1");
  expect(input).toHaveAttribute("aria-invalid", "true");
  const save = screen.getByRole("button", { name: "Save" });
  expect(save).toHaveAccessibleDescription("there are errors in it");
  await user.click(save);
  expect(puts).toEqual([]);
});

it("keeps both sides of a conflict and saves the merged content", async () => {
  const user = userEvent.setup();
  renderAt("/presets/own", <PresetEditor name="own" />);
  const input = await field("risk per trade");
  await user.clear(input);
  await user.type(input, "0.02");
  stored = { risk_per_trade: 0.01, max_consecutive_losses: 7, hash: "bbb" };
  await user.click(screen.getByRole("button", { name: "Save" }));
  const note = await screen.findByText("Somebody saved another version meanwhile");
  expect(puts[0]?.match).toBe('"aaa"');
  const conflict = note.closest("section") as HTMLElement;
  expect(within(conflict).getByText("risk.max_consecutive_losses")).toBeInTheDocument();
  await user.click(within(conflict).getByRole("button", { name: "Put my changes on theirs" }));
  await waitFor(() => expect(note).not.toBeInTheDocument());
  expect(await field("max consecutive losses")).toHaveValue("7");
  await user.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(puts).toHaveLength(2));
  expect(puts[1]).toEqual({
    match: '"bbb"',
    body: { config: { name: "own", risk: { risk_per_trade: 0.02, max_consecutive_losses: 7 } } },
  });
  expect(await screen.findByText("as saved")).toBeInTheDocument();
});
