/** Payments as they are listed: what callers paid for calls, by token (x402) or out of prepaid credits. */
import * as z from "zod";
import { PAYMENT_PROVIDERS, PAYMENT_STATES } from "../domain/payment.ts";
import { ConnectionId, CredentialId, Integer, readableText, RecipientId, Time, TimeInput } from "./fields.ts";
import { PAGE_QUERY } from "./page.ts";
import { EvmAddress } from "./payment.ts";

const Transaction = z.string().regex(/^0x[0-9a-fA-F]{64}$/, "Must be 0x and 64 hex digits");

export const PaymentQuery = z.strictObject({
  ...PAGE_QUERY,
  credential_id: CredentialId.optional(),
  /** The team, person or service that holds the credential. */
  recipient_id: RecipientId.optional(),
  /** The end customer, as calls name it. */
  customer: readableText(256).min(1).optional(),
  connection_id: ConnectionId.optional(),
  provider: z.enum(PAYMENT_PROVIDERS).optional(),
  state: z.enum(PAYMENT_STATES).optional(),
  payer: EvmAddress.toLowerCase().optional(),
  transaction: Transaction.toLowerCase().optional(),
  from: TimeInput.optional(),
  to: TimeInput.optional(),
});
export type PaymentQuery = z.output<typeof PaymentQuery>;

export const PaymentRecord = z
  .strictObject({
    /** The audit event with which the payment came on record. */
    id: z.string(),
    /** When its first call was admitted: the order of the list. */
    at: Time,
    /** When the last call that used it was admitted. */
    updated_at: Time,
    provider: z.enum(PAYMENT_PROVIDERS),
    state: z.enum(PAYMENT_STATES),
    /** The price that was asked, in millionths of a US dollar. */
    usd_micros: Integer,
    /** What the payer has paid and was not given back; 0: nothing; null: not known (yet). */
    charged_usd_micros: Integer.nullable(),
    /** credits: whose ledger pays. */
    account: z.strictObject({ kind: z.enum(["recipient", "customer"]), reference: z.string() }).nullable(),
    /** x402 from here: lower-case addresses, `amount` in the token's atomic units. */
    payer: z.string().nullable(),
    amount: z.string().nullable(),
    asset: z.string().nullable(),
    network: z.string().nullable(),
    nonce: z.string().nullable(),
    transaction: z.string().nullable(),
    /** Of the last call that used it, from here. */
    credential_id: z.string().nullable(),
    recipient_id: z.string().nullable(),
    connection_id: z.string().nullable(),
    grant_id: z.string().nullable(),
    customer: z.string().nullable(),
    environment: z.string().nullable(),
    method: z.string(),
    path: z.string(),
    status: z.int().nullable(),
    request_id: z.string(),
    event_id: z.string(),
  })
  .meta({ id: "PaymentRecord", description: "One payment and what became of it" });
export type PaymentRecord = z.output<typeof PaymentRecord>;
