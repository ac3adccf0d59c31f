/** A problem as the API tells it (RFC 9457), or as the network made it. */
export interface FieldProblem {
  path: string;
  code: string;
  message: string;
}

export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly code: string;
  readonly requestId: string | null;
  readonly allowed: readonly string[];
  readonly fields: readonly FieldProblem[];
  readonly retryAfterS: number | null;

  constructor(problem: {
    status: number;
    code: string;
    message: string;
    requestId?: string | null;
    allowed?: readonly string[];
    fields?: readonly FieldProblem[];
    retryAfterS?: number | null;
  }) {
    super(problem.message);
    this.status = problem.status;
    this.code = problem.code;
    this.requestId = problem.requestId ?? null;
    this.allowed = problem.allowed ?? [];
    this.fields = problem.fields ?? [];
    this.retryAfterS = problem.retryAfterS ?? null;
  }

  get isNetwork(): boolean {
    return this.status === 0;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function fieldsOf(value: unknown): FieldProblem[] {
  if (!Array.isArray(value)) return [];
  return value.filter(isRecord).map((item) => ({
    path: textOf(item["path"]) ?? "",
    code: textOf(item["code"]) ?? "invalid",
    message: textOf(item["message"]) ?? textOf(item["code"]) ?? "invalid",
  }));
}

/** Reads a problem document; a body that is none still becomes an error with its status. */
export function problemToError(
  status: number,
  statusText: string,
  body: unknown,
  headerRequestId: string | null,
  retryAfter: string | null,
): ApiError {
  const problem = isRecord(body) ? body : {};
  const fields = fieldsOf(problem["errors"]);
  const detail = textOf(problem["detail"]) ?? textOf(problem["title"]) ?? (statusText === "" ? `HTTP ${status}` : statusText);
  const retry = typeof problem["retry_after_s"] === "number" ? problem["retry_after_s"] : Number(retryAfter ?? Number.NaN);
  return new ApiError({
    status,
    code: textOf(problem["code"]) ?? `http_${status}`,
    message: detail,
    requestId: textOf(problem["request_id"]) ?? headerRequestId,
    allowed: Array.isArray(problem["allowed"])
      ? problem["allowed"].filter((word): word is string => typeof word === "string")
      : [],
    fields,
    retryAfterS: Number.isFinite(retry) ? retry : null,
  });
}

/** Whatever was thrown, as the error a panel or a toast can show. */
export function toApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown;
  return new ApiError({ status: 0, code: "network", message: thrown instanceof Error ? thrown.message : String(thrown) });
}
