/** Budgets that several credentials share: whose they are, and how their pools say that they stand. */
import type { BudgetUse } from "../../src/contract/budget.ts";
import { connectionPool, customerPool, namedCustomerPool, poolTerms, recipientPool } from "../../src/domain/lease.ts";
import type { BudgetLimit } from "../../src/domain/limits.ts";
import type { ConnectionRow } from "../../src/store/connections.ts";
import type { CredentialRow, GrantWithPolicy } from "../../src/store/credentials.ts";
import type { CustomerRow } from "../../src/store/customers.ts";
import type { RecipientRow } from "../../src/store/recipients.ts";
import { amounts } from "./budget-window.ts";
import { effectiveSettings } from "./credential-view.ts";
import type { RouteContext } from "./route.ts";

/** What budgets are looked for among. */
export interface BudgetHolders {
  /** Each with what it was used for lately; the most used are asked. */
  readonly credentials: readonly {
    readonly row: CredentialRow;
    readonly requests: number;
    readonly usdMicros: number;
  }[];
  readonly grants: readonly GrantWithPolicy[];
  readonly recipients: readonly RecipientRow[];
  readonly connections: readonly ConnectionRow[];
  /** Customers that a credential named at a connection. */
  readonly customers: readonly {
    readonly credentialId: string;
    readonly connectionId: string;
    readonly customer: string;
  }[];
  /** Those of them that have limits of their own. */
  readonly limitedCustomers: readonly CustomerRow[];
}

type Whose = Pick<BudgetUse, "of" | "name" | "credential_id" | "recipient_id" | "connection_id" | "customer">;

export interface SharedBudgets {
  readonly pool: string;
  readonly whose: Whose;
  readonly budgets: readonly BudgetLimit[];
}

const NOBODY = { credential_id: null, recipient_id: null, connection_id: null, customer: null } as const;

export function poolsOf(organisationId: string, holders: BudgetHolders): readonly SharedBudgets[] {
  const recipients = holders.recipients.map((row): SharedBudgets => ({
    pool: recipientPool(organisationId, row.id),
    whose: { ...NOBODY, of: "recipient", name: row.name, recipient_id: row.id },
    budgets: row.limits.budgets,
  }));
  const connections = holders.connections.map((row): SharedBudgets => ({
    pool: connectionPool(organisationId, row.id),
    whose: { ...NOBODY, of: "connection", name: row.name, connection_id: row.id },
    budgets: row.settings.limits.budgets,
  }));
  const named = holders.limitedCustomers.map((row): SharedBudgets => ({
    pool: namedCustomerPool(organisationId, row.reference),
    whose: { ...NOBODY, of: "customer", name: row.name, customer: row.reference },
    budgets: row.limits?.budgets ?? [],
  }));
  return [...recipients, ...connections, ...named, ...customerPools(organisationId, holders)].filter(
    (each) => each.budgets.length > 0,
  );
}

function customerPools(organisationId: string, holders: BudgetHolders): readonly SharedBudgets[] {
  const pools = new Map<string, SharedBudgets>();
  for (const { credentialId, connectionId, customer } of holders.customers) {
    const credential = holders.credentials.find(({ row }) => row.id === credentialId)?.row;
    const grant = holders.grants.find(
      (each) => each.grant.credentialId === credentialId && each.grant.connectionId === connectionId,
    );
    const connection = holders.connections.find((row) => row.id === connectionId);
    const recipient = holders.recipients.find((row) => row.id === credential?.recipientId);
    const stated = [
      credential?.limits,
      recipient?.limits,
      grant === undefined ? undefined : effectiveSettings(grant).limits,
      connection?.settings.limits,
    ].flatMap((limits) => limits?.perCustomer?.budgets ?? []);
    const pool = customerPool(organisationId, connectionId, customer);
    const known = pools.get(pool)?.budgets ?? [];
    const whose: Whose = { ...NOBODY, of: "customer", name: customer, connection_id: connectionId, customer };
    pools.set(pool, { pool, whose, budgets: strictest([...known, ...stated]) });
  }
  return [...pools.values()];
}

/** Budgets that share a counter are one, the lowest. */
function strictest(budgets: readonly BudgetLimit[]): readonly BudgetLimit[] {
  const byCounter = new Map<string, BudgetLimit>();
  for (const budget of budgets) {
    const counter = `${budget.unit} ${budget.window} ${budget.anchorMs ?? ""}`;
    const known = byCounter.get(counter);
    if (known === undefined || budget.limit < known.limit) byCounter.set(counter, budget);
  }
  return [...byCounter.values()];
}

export async function askPool(context: RouteContext, { pool, whose, budgets }: SharedBudgets): Promise<BudgetUse[]> {
  const terms = poolTerms(
    pool,
    budgets.map((budget) => ({ kind: "budget", ...budget })),
  );
  const statuses = await context.env.POOLS.getByName(pool).inspect(terms);
  return budgets.flatMap((budget, i): BudgetUse[] => {
    const status = statuses[i];
    if (status === undefined) return [];
    return [{ ...whose, ...amounts(budget, status.used, status.remaining, context.nowMs) }];
  });
}
