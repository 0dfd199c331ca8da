/** Every refusal of the admin API, in one table (RFC 9457), and the schema of the document that carries it. */
import * as z from "zod";

interface AdminProblemKind {
  readonly status: number;
  readonly title: string;
  readonly retryable: boolean;
}

export const ADMIN_PROBLEM_KINDS = {
  invalid_json: { status: 400, title: "The body is not valid JSON", retryable: false },
  invalid_request: { status: 422, title: "The request is not valid", retryable: false },
  credential_missing: { status: 401, title: "No management key or session was found", retryable: false },
  credential_invalid: { status: 401, title: "The management key or session is not valid", retryable: false },
  role_denied: { status: 403, title: "The role does not allow this operation", retryable: false },
  outside_constraint: { status: 403, title: "The request lies outside the key's constraints", retryable: false },
  plan_limit: { status: 403, title: "The plan does not allow more of these", retryable: false },
  csrf_refused: { status: 403, title: "The request did not come from the dashboard", retryable: false },
  not_found: { status: 404, title: "There is no such thing", retryable: false },
  method_not_allowed: { status: 405, title: "The method is not offered here", retryable: false },
  conflict: { status: 409, title: "The request conflicts with what exists", retryable: false },
  idempotency_mismatch: { status: 409, title: "The Idempotency-Key was used for another request", retryable: false },
  idempotency_in_progress: { status: 409, title: "A request with this Idempotency-Key is running", retryable: true },
  gone: { status: 410, title: "This is no longer there", retryable: false },
  body_too_large: { status: 413, title: "The body is too large", retryable: false },
  unsupported_media_type: { status: 415, title: "The body must be JSON", retryable: false },
  review_blocked: { status: 422, title: "The safety review blocks this", retryable: false },
  rate_limited: { status: 429, title: "Too many requests", retryable: true },
  internal: { status: 500, title: "Something failed inside RelayKey", retryable: true },
  unavailable: { status: 503, title: "RelayKey cannot complete this now", retryable: true },
} as const satisfies Record<string, AdminProblemKind>;

export type AdminProblemCode = keyof typeof ADMIN_PROBLEM_KINDS;

/** What is wrong with one field; `field` is a dotted path (`grants[0].allowed_paths`), empty for the whole body. */
export interface FieldError {
  readonly field: string;
  readonly message: string;
}

export interface AdminProblem {
  readonly code: AdminProblemCode;
  /** A sentence for the caller; never holds a secret or anything of the inside. */
  readonly detail: string;
  readonly errors?: readonly FieldError[];
  readonly retryAfterSeconds?: number;
  readonly extensions?: Readonly<Record<string, unknown>>;
}

export const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
    code: z.string(),
    retryable: z.boolean(),
    errors: z.array(z.strictObject({ field: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: "Problem", description: "RFC 9457 problem document" });

/** A problem about one field. */
export function fieldProblem(field: string, message: string): AdminProblem {
  return { code: "invalid_request", detail: `${field || "body"}: ${message}`, errors: [{ field, message }] };
}

export function notFound(what: string): AdminProblem {
  return { code: "not_found", detail: `There is no such ${what}` };
}
