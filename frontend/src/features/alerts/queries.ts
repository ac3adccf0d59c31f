import { queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "../../api/client";
import type { components } from "../../api/generated";

type Schemas = components["schemas"];
export type AlertRule = Schemas["AlertRule"];
export type AlertRuleRequest = Schemas["AlertRuleRequest"];

export const rulesQuery = queryOptions({
  queryKey: ["alert-rules"],
  queryFn: async () => (await unwrap(api().GET("/api/alerts/rules"))).items,
});

export async function acknowledge(id: string, note: string): Promise<void> {
  await unwrap(api().POST("/api/alerts/{id}/ack", { params: { path: { id } }, body: note === "" ? {} : { note } }));
}

export async function saveRule(id: string | null, rule: AlertRuleRequest): Promise<AlertRule> {
  if (id === null) return unwrap(api().POST("/api/alerts/rules", { body: rule }));
  return unwrap(api().PUT("/api/alerts/rules/{id}", { params: { path: { id } }, body: rule }));
}

export async function deleteRule(id: string): Promise<void> {
  await unwrap(api().DELETE("/api/alerts/rules/{id}", { params: { path: { id } } }));
}

export async function testRule(id: string): Promise<void> {
  await unwrap(api().POST("/api/alerts/rules/{id}/test", { params: { path: { id } } }));
}
