/**
 * How full budgets are, asked of those who count: a credential's gate for its own and its grants' budgets, the pools for
 * those that several credentials share. Bounded: the most used of the last month are looked at, so many of each kind.
 * Changes nothing, and a counter that does not answer in time is left out and said to be missing.
 */
import type { BudgetUse } from "../../src/contract/budget.ts";
import type { GateDocument } from "../../src/domain/admission.ts";
import { compileMeters } from "../../src/domain/gate-meters.ts";
import type { BudgetMeter } from "../../src/domain/gate-meters.ts";
import { NO_LIMITS } from "../../src/domain/limits.ts";
import type { CredentialRow, GrantWithPolicy } from "../../src/store/credentials.ts";
import { askPool, poolsOf } from "./budget-pools.ts";
import type { BudgetHolders } from "./budget-pools.ts";
import { amounts } from "./budget-window.ts";
import { effectiveSettings } from "./credential-view.ts";
import type { RouteContext } from "./route.ts";

const MAX_GATES = 24;
const MAX_POOLS = 24;
const TIMEOUT_MS = 3_000;

type Asked = readonly BudgetUse[] | null;

export async function budgetUses(
  context: RouteContext,
  holders: BudgetHolders,
): Promise<{ readonly uses: BudgetUse[]; readonly complete: boolean }> {
  const gates = holders.credentials
    .map(({ row, ...used }) => {
      const grants = holders.grants.filter((each) => each.grant.credentialId === row.id);
      const document = inspectedDocument(row, grants);
      return { document, fullness: fullness(document, used) };
    })
    .filter(({ document }) => document.limits.budgets.length > 0 || document.grants.some(hasBudgets))
    .toSorted((a, b) => b.fullness - a.fullness);
  const pools = poolsOf(context.organisationId, holders);
  const asked = await Promise.all([
    ...gates.slice(0, MAX_GATES).map(({ document }) => inTime(askGate(context, document))),
    ...pools.slice(0, MAX_POOLS).map((pool) => inTime(askPool(context, pool))),
  ]);
  const uses = asked.flatMap((each) => each ?? []);
  const complete = gates.length <= MAX_GATES && pools.length <= MAX_POOLS && !asked.includes(null);
  return { uses: uses.toSorted((a, b) => share(b) - share(a) || b.used - a.used), complete };
}

/** An amount of nothing is always used up. */
function share(use: BudgetUse): number {
  return use.limit === 0 ? 1 : use.used / use.limit;
}

/**
 * As much of a gate's document as its own counters need. Without recipient and shared limits the gate asks no pool on
 * the way: those are asked once each, not once for every credential.
 */
function inspectedDocument(row: CredentialRow, grants: readonly GrantWithPolicy[]): GateDocument {
  return {
    version: row.docVersion,
    organisationId: row.organisationId,
    credentialId: row.id,
    credentialName: row.name,
    expiresAtMs: row.expiresAtMs,
    environment: row.environment,
    trust: { mode: "off", addresses: [], allowWorkers: [] },
    limits: row.limits,
    recipient: null,
    grants: grants.map((each) => ({
      id: each.grant.id,
      connectionId: each.grant.connectionId,
      connectionName: "",
      limits: effectiveSettings(each).limits ?? NO_LIMITS,
      customers: { mode: "optional", unknown: "allow" },
      connectionLimits: NO_LIMITS,
      quota: null,
    })),
  };
}

function hasBudgets(of: { readonly limits: { readonly budgets: readonly unknown[] } }): boolean {
  return of.limits.budgets.length > 0;
}

/** A guess from what was recorded, to choose whom to ask. */
function fullness(document: GateDocument, used: { readonly requests: number; readonly usdMicros: number }): number {
  const budgets = [document, ...document.grants].flatMap((each) => each.limits.budgets);
  const shares = budgets.map(
    (each) => (each.unit === "requests" ? used.requests : used.usdMicros) / Math.max(each.limit, 1),
  );
  return Math.max(0, ...shares);
}

async function askGate(context: RouteContext, document: GateDocument): Promise<BudgetUse[]> {
  const { limits } = await context.env.GATES.getByName(document.credentialId).inspect(document);
  const meters = compileMeters(document);
  const sets = [
    { grantId: null, budgets: meters.credential.budgets },
    ...[...meters.byGrant].map(([grantId, set]) => ({
      grantId,
      budgets: set.budgets.filter((meter) => meter.grantId === grantId),
    })),
  ];
  return sets.flatMap(({ grantId, budgets }) => {
    const label = grantId === null ? "credential-" : "grant-";
    const statuses = limits.filter(
      (each) => each.kind === "budget" && each.grantId === grantId && each.name.startsWith(label),
    );
    return budgets.flatMap((meter, i) => {
      const status = statuses[i];
      // A change in this very moment: the next look shows it.
      if (status === undefined || status.name !== meter.name) return [];
      return [gateUse(context, document, meter, status.remaining)];
    });
  });
}

function gateUse(context: RouteContext, document: GateDocument, meter: BudgetMeter, remaining: number): BudgetUse {
  const grant = document.grants.find((each) => each.id === meter.grantId);
  return {
    of: grant === undefined ? "credential" : "grant",
    name: document.credentialName,
    credential_id: document.credentialId,
    recipient_id: null,
    connection_id: grant?.connectionId ?? null,
    customer: null,
    ...amounts(meter.limit, meter.limit.limit - remaining, remaining, context.nowMs),
  };
}

/** Null: it failed, or took too long. */
async function inTime(work: Promise<BudgetUse[]>): Promise<Asked> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), TIMEOUT_MS);
  });
  try {
    return await Promise.race([work, late]);
  } catch {
    return null;
  } finally {
    if (timer !== null) clearTimeout(timer);
  }
}
