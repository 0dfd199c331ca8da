/** What callers paid: one row per payment, by token or out of prepaid credits. Reading only; balances are in `credits.ts`. */
import { timeMs, wireTime } from "../../../src/contract/fields.ts";
import { encodeCursor, pageOf } from "../../../src/contract/page.ts";
import { PaymentQuery, PaymentRecord } from "../../../src/contract/payment-record.ts";
import { listPayments, type PaymentRow } from "../../../src/store/payments.ts";
import { reply } from "../answer.ts";
import { pageBody, pageRequest } from "../pages.ts";
import { defineRoute, READERS, type Outcome, type Route } from "../route.ts";

const listAllPayments = defineRoute({
  method: "GET",
  path: "/api/v1/payments",
  operationId: "listPayments",
  tag: "Payments",
  summary: "List payments, newest first: who paid what for which call, and what became of it",
  description:
    "One row per payment; its state is that of the last call that used it. A page may hold fewer payments than asked, or none, while there is a `next_cursor`: the search goes on from there.",
  roles: READERS,
  query: PaymentQuery,
  responses: { 200: pageOf(PaymentRecord) },
  async handler(context, { query }): Promise<Outcome> {
    const filter = {
      credentialId: query.credential_id,
      recipientId: query.recipient_id,
      customer: query.customer,
      connectionId: query.connection_id,
      provider: query.provider,
      state: query.state,
      payer: query.payer,
      transaction: query.transaction,
      fromMs: timeMs(query.from),
      toMs: timeMs(query.to),
    };
    const { AUDIT_DB } = context.env;
    const { rows, scannedTo } = await listPayments(AUDIT_DB, context.organisationId, filter, pageRequest(query));
    const page = pageBody(rows, query.limit, (row) => row.atMs, paymentView);
    const next = page.next_cursor ?? (scannedTo === null ? null : encodeCursor(scannedTo));
    return reply(200, { ...page, next_cursor: next });
  },
});

export const PAYMENT_ROUTES: readonly Route[] = [listAllPayments];

function paymentView(row: PaymentRow): PaymentRecord {
  return {
    id: row.id,
    at: wireTime(row.atMs),
    updated_at: wireTime(row.updatedAtMs),
    provider: row.provider,
    state: row.state,
    usd_micros: row.usdMicros,
    charged_usd_micros: row.chargedUsdMicros,
    account: accountView(row.account),
    payer: row.payer,
    amount: row.amount,
    asset: row.asset,
    network: row.network,
    nonce: row.nonce,
    transaction: row.transaction,
    credential_id: row.credentialId,
    recipient_id: row.recipientId,
    connection_id: row.connectionId,
    grant_id: row.grantId,
    customer: row.customer,
    environment: row.environment,
    method: row.method,
    path: row.path,
    status: row.status,
    request_id: row.requestId,
    event_id: row.eventId,
  };
}

/** `kind:reference`, as the event's notes have it. */
function accountView(account: string | null): PaymentRecord["account"] {
  if (account === null) return null;
  const at = account.indexOf(":");
  const kind = account.slice(0, at) === "customer" ? "customer" : "recipient";
  return { kind, reference: account.slice(at + 1) };
}
