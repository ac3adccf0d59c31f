import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { makeConfig } from "../../config";
import { renderUi } from "../../testing/render";
import { Dashboards, dashboards } from "./dashboards";

test("each provisioned dashboard has a link by its uid", () => {
  const table = readFileSync(resolve(import.meta.dirname, "../../../../monitoring/grafana/panels.json"), "utf8");
  const provisioned = (JSON.parse(table) as { dashboards: { uid: string; title: string }[] }).dashboards;
  renderUi(<Dashboards grafanaUrl="http://charts.example:3001" shown="" onShow={() => undefined} />);
  expect(dashboards.map(({ uid }) => uid)).toEqual(provisioned.map(({ uid }) => uid));
  for (const { uid, title } of provisioned)
    expect(screen.getByRole("link", { name: title }).getAttribute("href")).toBe(`http://charts.example:3001/d/${uid}`);
  expect(document.querySelector("iframe")).toBeNull();
});

test("one of them is shown inside the page", async () => {
  const onShow = vi.fn();
  renderUi(<Dashboards grafanaUrl="http://charts.example" shown="breakout-risk" onShow={onShow} />);
  expect(screen.getByTitle("Risk exposure").getAttribute("src")).toBe("http://charts.example/d/breakout-risk?kiosk&theme=dark");
  await userEvent.click(screen.getByRole("button", { name: "Show here: Engine" }));
  await userEvent.click(screen.getByRole("button", { name: "Hide Risk exposure" }));
  expect(onShow.mock.calls).toEqual([["breakout-engine"], [""]]);
});

test("without an address the page says which setting is missing", () => {
  renderUi(<Dashboards grafanaUrl="" shown="breakout-risk" onShow={() => undefined} />);
  expect(screen.getByText(/GRAFANA_URL in \.env/)).toBeDefined();
  expect(screen.queryAllByRole("link").map((link) => link.getAttribute("href"))).toEqual([`${location.origin}/api/metrics`]);
});

test("the address is that of the server, and only one of the web", () => {
  const origin = "http://ui.example";
  expect(makeConfig({ grafana_url: "https://charts.example/grafana/" }, origin).grafanaUrl).toBe(
    "https://charts.example/grafana",
  );
  for (const grafana_url of [undefined, "", 3, "javascript:alert(1)", "//charts.example"])
    expect(makeConfig({ grafana_url }, origin).grafanaUrl).toBe("");
  expect(makeConfig({}, origin)).toEqual({ apiUrl: "", wsUrl: "ws://ui.example/ws", grafanaUrl: "" });
});
