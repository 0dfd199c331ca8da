/** Prepaid credits of recipients and of end customers: balance, statement, top-ups and adjustments. */
import * as z from "zod";
import { CustomerId, RecipientId } from "../../../src/contract/fields.ts";
import { PAGE_QUERY, decodeCursor, encodeCursor, pageOf } from "../../../src/contract/page.ts";
import {
  Adjustment,
  CreditBalance,
  CreditChange,
  CreditMovement,
  TopUp,
  movementView,
} from "../../../src/contract/payment.ts";
import { fieldProblem, notFound } from "../../../src/contract/problem.ts";
import type { CreditBalance as LedgerBalance, CreditLedger } from "../../../src/cloudflare/credit-ledger.ts";
import { ledgerName, type AccountKind } from "../../../src/domain/credit-account.ts";
import { MAX_CREDIT_USD_MICROS } from "../../../src/domain/credits.ts";
import { err } from "../../../src/domain/result.ts";
import { runBatch } from "../../../src/store/control-db.ts";
import { findCustomer } from "../../../src/store/customers.ts";
import { findRecipient } from "../../../src/store/recipients.ts";
import { reply } from "../answer.ts";
import { recordChange } from "../changes.ts";
import { EDITORS, READERS, defineRoute } from "../route.ts";
import type { Outcome, Route, RouteContext } from "../route.ts";

const TAG = "Credits";

/** Two families of the same routes: below a recipient, and below a customer. */
interface Family {
  readonly kind: AccountKind;
  readonly base: `/${string}`;
  readonly name: "Recipient" | "Customer";
  readonly params: z.ZodObject;
  /** How the ledger is named; null: there is no such thing. */
  reference(context: RouteContext, params: Readonly<Record<string, unknown>>): Promise<string | null>;
}

const RECIPIENTS: Family = {
  kind: "recipient",
  base: "/api/v1/recipients/:recipient_id/credits",
  name: "Recipient",
  params: z.strictObject({ recipient_id: RecipientId }),
  async reference(context, params) {
    return (await findRecipient(context.db, context.organisationId, String(params["recipient_id"])))?.id ?? null;
  },
};

const CUSTOMERS: Family = {
  kind: "customer",
  base: "/api/v1/customers/:customer_id/credits",
  name: "Customer",
  params: z.strictObject({ customer_id: CustomerId }),
  async reference(context, params) {
    return (await findCustomer(context.db, context.organisationId, String(params["customer_id"])))?.reference ?? null;
  },
};

function familyRoutes(family: Family): readonly Route[] {
  const { base, name, params } = family;
  const balance = defineRoute({
    method: "GET",
    path: base,
    operationId: `get${name}Credits`,
    tag: TAG,
    summary: "Read the balance of prepaid credits",
    roles: READERS,
    params,
    responses: { 200: CreditBalance },
    async handler(context, input): Promise<Outcome> {
      const ledger = await ledgerFor(family, context, input.params);
      return ledger === null ? err(notFound(family.kind)) : reply(200, balanceView(await ledger.inspect()));
    },
  });
  const statement = defineRoute({
    method: "GET",
    path: `${base}/movements`,
    operationId: `list${name}CreditMovements`,
    tag: TAG,
    summary: "List what moved the balance, newest first; all movements sum to the balance",
    roles: READERS,
    params,
    query: z.strictObject(PAGE_QUERY),
    responses: { 200: pageOf(CreditMovement) },
    async handler(context, { params: of, query }): Promise<Outcome> {
      const ledger = await ledgerFor(family, context, of);
      if (ledger === null) return err(notFound(family.kind));
      const before = query.cursor === undefined ? null : (decodeCursor(query.cursor)?.atMs ?? null);
      const rows = await ledger.statement(query.limit, before);
      const last = rows.length < query.limit ? undefined : rows.at(-1);
      // The position is the movement's number, which is all that its order needs.
      const next = last === undefined || last.seq === 1 ? null : encodeCursor({ atMs: last.seq, id: "seq" });
      return reply(200, { data: rows.map(movementView), next_cursor: next });
    },
  });
  const topUp = defineRoute({
    method: "POST",
    path: `${base}/top-ups`,
    operationId: `topUp${name}Credits`,
    tag: TAG,
    summary: "Add prepaid credits",
    roles: EDITORS,
    params,
    body: TopUp,
    responses: { 201: CreditChange },
    handler: (context, { params: of, body }) =>
      change(family, context, of, { kind: "top_up", usdMicros: body.usd_micros, note: body.note ?? "" }),
  });
  const adjust = defineRoute({
    method: "POST",
    path: `${base}/adjustments`,
    operationId: `adjust${name}Credits`,
    tag: TAG,
    summary: "Correct the balance of prepaid credits",
    roles: EDITORS,
    params,
    body: Adjustment,
    responses: { 201: CreditChange },
    handler: (context, { params: of, body }) =>
      change(family, context, of, { kind: "adjustment", usdMicros: body.usd_micros, note: body.note }),
  });
  return [balance, statement, topUp, adjust];
}

export const CREDIT_ROUTES: readonly Route[] = [...familyRoutes(RECIPIENTS), ...familyRoutes(CUSTOMERS)];

/** The change goes on the record before the money moves: a movement without a record cannot be. */
async function change(
  family: Family,
  context: RouteContext,
  params: Readonly<Record<string, unknown>>,
  wanted: { readonly kind: "top_up" | "adjustment"; readonly usdMicros: number; readonly note: string },
): Promise<Outcome> {
  const ledger = await ledgerFor(family, context, params);
  if (ledger === null) return err(notFound(family.kind));
  const before = await ledger.inspect();
  if (Math.abs(before.balanceUsdMicros + wanted.usdMicros) > MAX_CREDIT_USD_MICROS) return err(OUT_OF_RANGE);
  const { kind, usdMicros, note } = wanted;
  const after = { kind, usd_micros: usdMicros, note, reference: context.requestId };
  const targetId = String(Object.values(params)[0]);
  await runBatch(context.db, [
    recordChange(context, { targetType: `${family.kind}_credits`, targetId, before: balanceView(before), after }),
  ]);
  const moved = await ledger.move(kind, usdMicros, context.requestId, note);
  if (moved.movement === null) return err(OUT_OF_RANGE);
  return reply(201, { movement: movementView(moved.movement), balance: balanceView(moved) });
}

const OUT_OF_RANGE = fieldProblem("usd_micros", `Would take the balance beyond ${MAX_CREDIT_USD_MICROS}`);

async function ledgerFor(
  family: Family,
  context: RouteContext,
  params: Readonly<Record<string, unknown>>,
): Promise<DurableObjectStub<CreditLedger> | null> {
  const reference = await family.reference(context, params);
  if (reference === null) return null;
  return context.env.LEDGERS.getByName(ledgerName(context.organisationId, { kind: family.kind, reference }));
}

function balanceView(balance: LedgerBalance): CreditBalance {
  return {
    balance_usd_micros: balance.balanceUsdMicros,
    held_usd_micros: balance.heldUsdMicros,
    available_usd_micros: balance.availableUsdMicros,
  };
}
