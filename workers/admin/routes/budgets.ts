/** How full budgets are now: of what was used in the last month, of one credential, recipient or connection. */
import { BudgetQuery, Budgets } from "../../../src/contract/budget.ts";
import { notFound } from "../../../src/contract/problem.ts";
import { err } from "../../../src/domain/result.ts";
import { findConnections } from "../../../src/store/connections.ts";
import { findCredentials, grantsOf } from "../../../src/store/credentials.ts";
import { limitedCustomers } from "../../../src/store/customers.ts";
import { findRecipients } from "../../../src/store/recipients.ts";
import { usageGroups } from "../../../src/store/usage.ts";
import type { UsageFilter } from "../../../src/store/usage.ts";
import { reply } from "../answer.ts";
import type { BudgetHolders } from "../budget-pools.ts";
import { budgetUses } from "../budget-use.ts";
import { credentialStatus } from "../credential-view.ts";
import { READERS, defineRoute } from "../route.ts";
import type { Outcome, Route, RouteContext } from "../route.ts";

const HOUR_MS = 3_600_000;
/** As long as the longest window of a budget. */
const LOOK_BACK_MS = 31 * 24 * HOUR_MS;
const MAX_CREDENTIALS = 500;

const listBudgets = defineRoute({
  method: "GET",
  path: "/api/v1/budgets",
  operationId: "listBudgets",
  tag: "Usage",
  summary: "List the fullest budgets as they stand",
  description:
    "Asked of the counters themselves. Without credential_id, budgets of credentials that were used in the last 31 days, and those that they share.",
  roles: READERS,
  query: BudgetQuery,
  responses: { 200: Budgets },
  problems: ["not_found"],
  async handler(context, { query }): Promise<Outcome> {
    const holders = await holdersOf(context, query);
    if (holders === null) return err(notFound("credential"));
    const { uses, complete } = await budgetUses(context, holders);
    const wanted = query.customer === undefined ? uses : uses.filter((each) => each.customer === query.customer);
    return reply(200, { data: wanted.slice(0, query.limit), complete: complete && wanted.length <= query.limit });
  },
});

export const BUDGET_ROUTES: readonly Route[] = [listBudgets];

/** Null: the credential that was asked for does not exist. */
async function holdersOf(context: RouteContext, query: BudgetQuery): Promise<BudgetHolders | null> {
  const { db, organisationId, nowMs } = context;
  const filter: UsageFilter = {
    organisationId,
    fromMs: Math.floor((nowMs - LOOK_BACK_MS) / HOUR_MS) * HOUR_MS,
    toMs: Math.ceil((nowMs + 1) / HOUR_MS) * HOUR_MS,
    credentialId: query.credential_id,
    recipientId: query.recipient_id,
    connectionId: query.connection_id,
    customer: query.customer,
  };
  const groups = await usageGroups(context.env.AUDIT_DB, filter, null, ["credential_id", "connection_id", "customer"]);
  const used = usedBy(groups);
  const ids = query.credential_id === undefined ? [...used.keys()].slice(0, MAX_CREDENTIALS) : [query.credential_id];
  const rows = await findCredentials(db, organisationId, ids);
  if (query.credential_id !== undefined && rows.length === 0) return null;
  const live = rows.filter((row) => credentialStatus(row, nowMs) === "active");
  const grants = await grantsOf(
    db,
    organisationId,
    live.map((row) => row.id),
  );
  const shown = grants.filter(
    ({ grant }) => query.connection_id === undefined || grant.connectionId === query.connection_id,
  );
  const recipientIds = [...live.map((row) => row.recipientId), query.recipient_id ?? null].filter((id) => id !== null);
  const connectionIds = [...shown.map(({ grant }) => grant.connectionId), query.connection_id].filter(
    (id) => id !== undefined,
  );
  const customers = groups.flatMap((group) => {
    const { customer, connection_id: connectionId, credential_id: credentialId } = group;
    return customer && connectionId && credentialId ? [{ customer, connectionId, credentialId }] : [];
  });
  const references = [...new Set([...customers.map((each) => each.customer), query.customer ?? ""])];
  return {
    credentials: live.map((row) => ({ row, ...(used.get(row.id) ?? { requests: 0, usdMicros: 0 }) })),
    grants: shown,
    recipients: await findRecipients(db, organisationId, [...new Set(recipientIds)]),
    connections: await findConnections(db, organisationId, [...new Set(connectionIds)]),
    customers,
    limitedCustomers: await limitedCustomers(db, organisationId, references),
  };
}

/** By credential, the most used first. */
function usedBy(
  groups: readonly {
    readonly credential_id?: string;
    readonly requests: number;
    readonly cost_usd_micros: number;
  }[],
): ReadonlyMap<string, { readonly requests: number; readonly usdMicros: number }> {
  const used = new Map<string, { requests: number; usdMicros: number }>();
  for (const group of groups) {
    if (!group.credential_id) continue;
    const known = used.get(group.credential_id) ?? { requests: 0, usdMicros: 0 };
    known.requests += group.requests;
    known.usdMicros += group.cost_usd_micros;
    used.set(group.credential_id, known);
  }
  return used;
}
