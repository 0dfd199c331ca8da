/**
 * What a route of the admin API is. Routing, authentication, roles, validation, idempotency and the OpenAPI document
 * are all derived from this one description; a handler holds only what the operation does.
 */
import type * as z from "zod";
import type { AdminProblem, AdminProblemCode } from "../../src/contract/problem.ts";
import type { Result } from "../../src/domain/result.ts";
import type { Role } from "../../src/domain/token.ts";
import type { ConstraintsWire } from "../../src/contract/management-key.ts";
import type { ControlDb } from "../../src/store/control-db.ts";
import type { AdminEnv, AdminSettings } from "./env.ts";

/** Whoever was authenticated. Tokens never stand in here. */
export interface Caller {
  readonly kind: "management_key" | "member" | "exchange";
  /** `mk_…` or `mem_…`. */
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly organisationId: string;
  /** Of a provisioner; null for everyone else. A provisioner without constraints may do nothing. */
  readonly constraints: ConstraintsWire | null;
}

/** What every handler gets. */
export interface PublicContext {
  readonly env: AdminEnv;
  readonly settings: AdminSettings;
  readonly db: ControlDb;
  readonly request: Request;
  readonly requestId: string;
  readonly operationId: string;
  readonly nowMs: number;
  /** Canonical client address, or null. */
  readonly address: string | null;
  /** Unbiased random bytes, at most 64. */
  random(length: number): Uint8Array<ArrayBuffer>;
  /** Keeps the isolate alive for work after the answer. */
  defer(work: Promise<unknown>): void;
}

export interface RouteContext extends PublicContext {
  readonly caller: Caller;
  readonly organisationId: string;
}

/** A JSON answer, or a finished Response for pages and streams. */
export type Reply =
  | { readonly status: number; readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> }
  | Response;

export type Outcome = Result<Reply, AdminProblem>;

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
export type Access = readonly [Role, ...Role[]] | "public";

export type MediaTypes = readonly `${string}/${string}`[];

interface RouteDescription {
  readonly method: Method;
  /** In hono's syntax: `/api/v1/connections/:connection_id`. */
  readonly path: `/${string}`;
  /** Further paths with the same parameters: the governance names. */
  readonly aliases?: readonly `/${string}`[];
  /** Unique; also the `action` of the record of changes. */
  readonly operationId: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  /** Roles that may call it; everyone else is denied. */
  readonly roles: Access;
  /** Path parameters that do not fit answer 404. */
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** `form`: `application/x-www-form-urlencoded` is read as an object of strings as well. Default: JSON only. */
  readonly accepts?: "json" | "json_or_form";
  /** For documents that are uploaded: larger bounds than requests have. */
  readonly largeBody?: { readonly maxBytes: number; readonly maxDepth: number };
  /** Schema of each successful answer's JSON; null: no body; otherwise its media types (a page, a stream). */
  readonly responses: Readonly<Record<number, z.ZodType | null | MediaTypes>>;
  /** How it may fail beyond what its method, roles, parameters and body imply. */
  readonly problems?: readonly AdminProblemCode[];
  /** POST only: whether `Idempotency-Key` is honoured. Default true. */
  readonly idempotent?: boolean;
}

/** A route with its types erased, as the table holds it. */
export interface Route extends RouteDescription {
  handle(context: PublicContext, caller: Caller | null, input: RouteInput): Promise<Outcome>;
}

export interface RouteInput {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
}

type Parsed<T> = T extends z.ZodType ? z.output<T> : undefined;

interface TypedRoute<
  P extends z.ZodObject | undefined,
  Q extends z.ZodObject | undefined,
  B extends z.ZodType | undefined,
> extends Omit<RouteDescription, "params" | "query" | "body"> {
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
}

interface Input<P, Q, B> {
  readonly params: Parsed<P>;
  readonly query: Parsed<Q>;
  readonly body: Parsed<B>;
}

/** A route that needs a caller with one of its roles. */
export function defineRoute<
  P extends z.ZodObject | undefined = undefined,
  Q extends z.ZodObject | undefined = undefined,
  B extends z.ZodType | undefined = undefined,
>(
  description: TypedRoute<P, Q, B> & {
    readonly roles: readonly [Role, ...Role[]];
    handler(context: RouteContext, input: Input<P, Q, B>): Promise<Outcome>;
  },
): Route {
  const { handler, ...rest } = description;
  return {
    ...described(rest),
    handle(context, caller, input) {
      if (caller === null) throw new Error(`No caller reached ${rest.operationId}`);
      const full: RouteContext = { ...context, caller, organisationId: caller.organisationId };
      // The table's machinery parsed the input with exactly these schemas.
      return handler(full, input as Input<P, Q, B>);
    },
  };
}

/** A route that needs no caller. */
export function definePublicRoute<
  P extends z.ZodObject | undefined = undefined,
  Q extends z.ZodObject | undefined = undefined,
  B extends z.ZodType | undefined = undefined,
>(
  description: Omit<TypedRoute<P, Q, B>, "roles"> & {
    handler(context: PublicContext, input: Input<P, Q, B>): Promise<Outcome>;
  },
): Route {
  const { handler, ...rest } = description;
  return {
    ...described({ ...rest, roles: "public" as const }),
    handle: (context, _caller, input) => handler(context, input as Input<P, Q, B>),
  };
}

function described<
  P extends z.ZodObject | undefined,
  Q extends z.ZodObject | undefined,
  B extends z.ZodType | undefined,
>(typed: TypedRoute<P, Q, B>): RouteDescription {
  const { params, query, body, ...rest } = typed;
  return {
    ...rest,
    ...(params === undefined ? {} : { params }),
    ...(query === undefined ? {} : { query }),
    ...(body === undefined ? {} : { body }),
  };
}

/** Roles in the order of what they may do. */
export const OWNER: readonly [Role] = ["owner"];
/** Whoever may change the configuration. */
export const EDITORS: readonly [Role, ...Role[]] = ["owner", "admin"];
/** Whoever may read the configuration and the audit. */
export const READERS: readonly [Role, ...Role[]] = ["owner", "admin", "auditor"];
/** Whoever may issue credentials, and see those they may see. */
export const ISSUERS: readonly [Role, ...Role[]] = ["owner", "admin", "provisioner"];
export const ISSUERS_AND_READERS: readonly [Role, ...Role[]] = ["owner", "admin", "auditor", "provisioner"];
