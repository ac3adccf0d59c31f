import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import type { ReactNode } from "react";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { keys } from "../api/keys";
import { meQuery } from "../api/session";
import type { Position } from "../api/types";
import { ConnectionContext } from "../ui/connection";
import { engineStatus, position } from "../testing/records";
import { renderUi } from "../testing/render";
import * as engine from "./engine";
import { CommandButton, CommandHost } from "./host";
import { cancelOrder } from "./orders";
import { breakeven, closeAll, closeNow } from "./positions";
import { globalCommands } from "./registry";
import type { CommandContext, FrameActions } from "./types";

const frame: FrameActions = {
  go: vi.fn(),
  openEmergencySheet: vi.fn(),
  openPalette: vi.fn(),
  openKeyHelp: vi.fn(),
  switchTheme: vi.fn(),
  switchDensity: vi.fn(),
};

function context(patch: Partial<CommandContext> = {}): CommandContext {
  return { engine: engineStatus(), positions: [], role: "admin", isLive: true, frame, ...patch };
}
const isAllowed = (verdict: { isAllowed: boolean }): boolean => verdict.isAllowed;

describe("what is allowed", () => {
  it("follows the list of the engine", () => {
    expect(isAllowed(engine.pause.allowed(context(), undefined))).toBe(true);
    expect(engine.resume.allowed(context(), undefined)).toEqual({
      isAllowed: false,
      why: "not possible while the engine is running",
    });
  });

  it("asks for the role", () => {
    expect(engine.pause.allowed(context({ role: "viewer" }), undefined)).toEqual({
      isAllowed: false,
      why: "needs role operator",
    });
    const halted = engineStatus({ session_state: "emergency", allowed_commands: ["reset"] as never });
    expect(engine.reset.allowed(context({ engine: halted, role: "operator" }), undefined)).toEqual({
      isAllowed: false,
      why: "needs role admin",
    });
    expect(isAllowed(engine.reset.allowed(context({ engine: halted }), undefined))).toBe(true);
  });

  it("keeps emergency commands, and only those, while disconnected", () => {
    const away = context({ isLive: false });
    for (const command of [engine.killSwitch, engine.panicExit, engine.emergencyStop])
      expect(isAllowed(command.allowed(away, undefined))).toBe(true);
    for (const command of [engine.pause, engine.timeStop, engine.scanNow, engine.stopKeep])
      expect(isAllowed(command.allowed(away, undefined))).toBe(false);
    expect(isAllowed(closeNow.allowed(away, { position: position() }))).toBe(true);
    expect(isAllowed(breakeven.allowed(away, { position: position() }))).toBe(false);
  });

  it("allows emergency commands before the state is known, and nothing else", () => {
    const unknown = context({ engine: undefined });
    expect(isAllowed(engine.killSwitch.allowed(unknown, undefined))).toBe(true);
    expect(isAllowed(engine.pause.allowed(unknown, undefined))).toBe(false);
  });

  it("does not cancel the stop of a position, or an order that has ended", () => {
    const order = { client_order_id: "a", state: "untriggered", purpose: "stop" } as never;
    expect(isAllowed(cancelOrder.allowed(context(), { order }))).toBe(false);
    expect(isAllowed(cancelOrder.allowed(context(), { order: { state: "filled", purpose: "entry" } as never }))).toBe(false);
    expect(isAllowed(cancelOrder.allowed(context(), { order: { state: "working", purpose: "entry" } as never }))).toBe(true);
  });

  it("closes nothing twice", () => {
    expect(isAllowed(closeNow.allowed(context(), { position: position({ state: "exiting" }) }))).toBe(false);
    expect(isAllowed(closeAll.allowed(context(), undefined))).toBe(false);
  });
});

describe("what is asked before", () => {
  it("wants a hold for what closes positions, words for what is live or latched", () => {
    const open = context({ positions: [position()] });
    for (const command of [engine.killSwitch, engine.panicExit, engine.emergencyStop, engine.stopClose, closeAll]) {
      const confirmation = command.confirm(open, undefined);
      expect(confirmation?.form.kind).toBe("hold");
      expect(confirmation?.effect.join(" ")).toContain("SOL/USDT long 342.62");
    }
    expect(engine.killSwitch.confirm(open, undefined)?.needsReason).toBe(true);
    expect(engine.startLive.confirm(open, { preset: "p", facts: [] })?.form).toEqual({ kind: "type", word: "START LIVE" });
    expect(engine.reset.confirm(open, undefined)).toMatchObject({ form: { kind: "type", word: "RESET" }, needsReason: true });
  });

  it("asks nothing for what is harmless", () => {
    for (const command of [engine.resume, engine.scanNow, engine.reload])
      expect(command.confirm(context(), undefined)).toBeNull();
    expect(engine.pause.confirm(context(), undefined)).toBeNull();
    expect(engine.pause.confirm(context({ positions: [position()] }), undefined)?.form.kind).toBe("plain");
  });
});

it("gives each command an id and each key one meaning", () => {
  const ids = globalCommands.map((command) => command.id);
  const shortcuts = globalCommands.flatMap((command) => command.shortcut ?? []);
  expect(new Set(ids).size).toBe(ids.length);
  expect(new Set(shortcuts).size).toBe(shortcuts.length);
});

const asked: { path: string; body: unknown; csrf: string | null }[] = [];
const server = setupServer(
  http.post("*/api/engine/:command", async ({ request, params }) => {
    asked.push({ path: String(params["command"]), body: await request.json(), csrf: request.headers.get("x-csrf-token") });
    if (params["command"] === "pause")
      return HttpResponse.json(
        {
          type: "/api/docs/problems#illegal_command",
          title: "Not now",
          status: 409,
          code: "illegal_command",
          detail: "the session is paused",
          request_id: "r-81",
        },
        { status: 409, headers: { "Content-Type": "application/problem+json" } },
      );
    return HttpResponse.json({
      success: true,
      command: params["command"],
      status: "done",
      operation_id: "O1",
      message: "kill switch: flat",
    });
  }),
);
beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
afterEach(() => {
  server.resetHandlers();
  asked.length = 0;
});
afterAll(() => server.close());

function show(children: ReactNode, positions: Position[] = []) {
  return renderUi(
    <ConnectionContext value={{ isLive: true, lastSeenAt: null }}>
      <CommandHost frame={frame}>{children}</CommandHost>
    </ConnectionContext>,
    "dark",
    (client) => {
      client.setQueryData(keys.engine, engineStatus());
      client.setQueryData(keys.positions, positions);
      client.setQueryData(meQuery.queryKey, {
        user: { username: "a", role: "admin", disabled: false },
        csrf_token: null,
        auth_enabled: true,
      });
    },
  );
}

describe("giving a command", () => {
  it("runs the kill switch after the reason and two presses, and shows the server's message", async () => {
    const user = userEvent.setup();
    show(<CommandButton command={engine.killSwitch} args={undefined} />, [position()]);
    await user.click(await screen.findByRole("button", { name: "Kill switch" }));
    const dialog = await screen.findByRole("dialog");
    const confirm = () =>
      screen.getAllByRole("button", { name: /Kill switch|Press again/ }).find((button) => dialog.contains(button));
    expect(confirm()).toBeDisabled();
    await user.type(screen.getByLabelText(/Reason/), "test of the switch");
    await user.click(confirm() as HTMLElement);
    expect(asked).toEqual([]);
    await user.click(confirm() as HTMLElement);
    expect(await screen.findByText("kill switch: flat")).toBeInTheDocument();
    expect(asked).toEqual([{ path: "kill-switch", body: { confirm: true, reason: "test of the switch" }, csrf: null }]);
  });

  it("says what the server refused, with code and request id", async () => {
    const user = userEvent.setup();
    show(<CommandButton command={engine.pause} args={undefined} />);
    await user.click(await screen.findByRole("button", { name: "Pause" }));
    expect(await screen.findByText(/the session is paused/)).toBeInTheDocument();
    expect(screen.getByText(/illegal_command/)).toHaveTextContent("r-81");
  });

  it("leaves a button that is not allowed in its place and says why", async () => {
    const user = userEvent.setup();
    show(<CommandButton command={engine.resume} args={undefined} />);
    const button = await screen.findByRole("button", { name: "Resume" });
    await waitFor(() => expect(button).toHaveAttribute("aria-disabled", "true"));
    expect(button).toHaveAccessibleDescription("not possible while the engine is running");
    await user.click(button);
    expect(asked).toEqual([]);
  });
});
