/**
 * What a change of the control plane needs beside itself: a line on the record, in the same batch, and the gates told
 * before it is acknowledged.
 */
import { tellGates } from "../../src/cloudflare/gate-fanout.ts";
import type { PendingGate } from "../../src/cloudflare/gate-fanout.ts";
import type { AdminProblem } from "../../src/contract/problem.ts";
import { ID_RANDOM_BYTES, newId } from "../../src/domain/ids.ts";
import { err, ok } from "../../src/domain/result.ts";
import type { Result } from "../../src/domain/result.ts";
import { insertControlEvent } from "../../src/store/control-events.ts";
import { isFailedGuard, isUniqueViolation } from "../../src/store/control-db.ts";
import type { Statement } from "../../src/store/control-db.ts";
import { markGatesTold, pendingGates } from "../../src/store/gate-pending.ts";
import type { Affected } from "../../src/store/gate-pending.ts";
import type { RouteContext } from "./route.ts";

const RETRY_AFTER_SECONDS = 5;

export interface Change {
  /** `connection`, `policy` … */
  readonly targetType: string;
  readonly targetId: string;
  /** Wire forms, which never hold a secret. */
  readonly before: object | null;
  readonly after: object | null;
}

/** Members that answers may carry but no record: tokens and keys that are shown once. */
const SHOWN_ONCE = new Set(["token", "key", "secret", "prompt"]);

/** The statement that puts a change on the record; it belongs into the batch of the change itself. */
export function recordChange(context: RouteContext, change: Change): Statement {
  const { caller } = context;
  return insertControlEvent(context.db, {
    id: freshId(context, "evt"),
    organisationId: context.organisationId,
    atMs: context.nowMs,
    actorId: caller.id,
    actorKind: caller.kind,
    actorName: caller.name,
    role: caller.role,
    action: context.operationId,
    targetType: change.targetType,
    targetId: change.targetId,
    before: masked(change.before),
    after: masked(change.after),
    requestId: context.requestId,
    address: context.address,
  });
}

export function freshId(context: { random(length: number): Uint8Array }, prefix: string): string {
  return newId(prefix, context.random(ID_RANDOM_BYTES));
}

/** The refusal when a batch failed because what it builds on was changed after it was read. Other failures go on. */
export function changedMeanwhile(cause: unknown, what: string): Result<never, AdminProblem> {
  if (!isFailedGuard(cause) && !isUniqueViolation(cause)) throw cause;
  return err({ code: "conflict", detail: `The ${what} was changed at the same moment; read it again` });
}

/**
 * Tells the gates of changed credentials. Only when this is ok may a change be acknowledged; until then the rows stay
 * marked and the cron goes on telling them.
 */
export async function acknowledgeGates(
  context: Pick<RouteContext, "env" | "db" | "organisationId">,
  pending: readonly PendingGate[],
): Promise<Result<void, AdminProblem>> {
  const told = await tellGates(context.env.GATES, pending);
  await markGatesTold(context.db, context.organisationId, told);
  if (told.length === pending.length) return ok(undefined);
  return err({
    code: "unavailable",
    detail: `The change is stored, but ${pending.length - told.length} of ${pending.length} credentials do not hold it yet. Repeat the request.`,
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });
}

/**
 * For a change that is stored already, perhaps by a request that could not tell every gate: tells those that are left. A
 * change that reaches more credentials than one request can tell is so acknowledged by repeating it.
 */
export async function acknowledgeStored(
  context: Pick<RouteContext, "env" | "db" | "organisationId">,
  affected: Affected,
): Promise<Result<void, AdminProblem>> {
  return acknowledgeGates(context, await pendingGates(context.db, context.organisationId, affected));
}

function masked(form: object | null): Record<string, unknown> | null {
  if (form === null) return null;
  return Object.fromEntries(Object.entries(form).filter(([name]) => !SHOWN_ONCE.has(name)));
}
