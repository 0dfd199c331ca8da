/** Changes of a connection that is there: what only an owner may change, and how a change is stored and told. */
import type { AdminProblem } from "../../src/contract/problem.ts";
import { publicParts } from "../../src/domain/auth-secret.ts";
import { err, ok, type Result } from "../../src/domain/result.ts";
import {
  guardKeyless,
  guardSettings,
  updateConnection,
  upstreamCredentialsOf,
  type ConnectionRow,
} from "../../src/store/connections.ts";
import { onlyChanged, type Statement } from "../../src/store/control-db.ts";
import { raiseVersions } from "../../src/store/gate-pending.ts";
import { reply } from "./answer.ts";
import { acknowledgeGates, acknowledgeStored, changedMeanwhile, recordChange } from "./changes.ts";
import { keyDestinations, type ConnectionParts } from "./connection-input.ts";
import { connectionView } from "./connection-view.ts";
import type { Outcome, RouteContext } from "./route.ts";

/**
 * Stores a changed connection: on record, and with every gate that it reaches told. Settings are written as a whole, and
 * judged together with host and scheme, so these are stored only over what was read.
 */
export async function storeConnection(
  context: RouteContext,
  before: ConnectionRow,
  changedMembers: ConnectionRow,
  guards: readonly Statement[] = [],
): Promise<Outcome> {
  const after = { ...changedMembers, updatedAtMs: context.nowMs };
  const upstream = await upstreamOf(context, before.id);
  const { id, organisationId } = after;
  const changed = onlyChanged(before, changedMembers);
  if (Object.keys(changed).length === 0) {
    const told = await acknowledgeStored(context, { connectionId: id });
    return told.ok ? reply(200, connectionView(before, upstream)) : told;
  }
  const view = connectionView(after, upstream);
  const change = { ...changed, updatedAtMs: context.nowMs };
  const whole = ["settings", "auth", "baseUrl"].some((name) => name in changed);
  try {
    const [pending] = await context.db.batch([
      raiseVersions(context.db, organisationId, { connectionId: id }, context.nowMs),
      ...guards,
      ...(whole ? [guardSettings(context.db, before)] : []),
      updateConnection(context.db, organisationId, id, change),
      recordChange(context, {
        targetType: "connection",
        targetId: id,
        before: connectionView(before, upstream),
        after: view,
      }),
    ]);
    const told = await acknowledgeGates(context, pending);
    return told.ok ? reply(200, view) : told;
  } catch (cause) {
    return changedMeanwhile(cause, "connection");
  }
}

/**
 * Whoever could point a stored master key at a host of their own, or have an echo show a part of it, would have it. The
 * guards stand for what was read here.
 */
export async function checkExposure(
  context: RouteContext,
  row: ConnectionRow,
  parts: ConnectionParts,
): Promise<Result<readonly Statement[], AdminProblem>> {
  const known = keyDestinations(row);
  const added = [...keyDestinations(parts)].find((origin) => !known.has(origin));
  const shown = publicParts(parts.auth).find((name) => !publicParts(row.auth).includes(name));
  if ((added ?? shown) === undefined || context.caller.role === "owner") return ok([]);
  if ((await upstreamOf(context, row.id)).length === 0) {
    return ok([guardKeyless(context.db, context.organisationId, row.id)]);
  }
  const deed =
    added === undefined
      ? `have the part ${shown} of stored master keys shown in answers`
      : `send stored master keys to ${added}`;
  const detail = `Only an owner may ${deed}; make a connection of its own, with its key`;
  return err({ code: "role_denied", detail });
}

/** Its master keys, whatever their status. */
export function upstreamOf(context: RouteContext, connectionId: string) {
  return upstreamCredentialsOf(context.db, context.organisationId, [connectionId]);
}
