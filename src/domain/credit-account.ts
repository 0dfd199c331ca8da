/** Whose prepaid account a call draws on, and the name of the Durable Object that keeps it. Pure. */
import type { CredentialDocument } from "./documents.ts";
import type { PaymentRule } from "./payment.ts";

export type AccountKind = "recipient" | "customer";

export interface CreditAccountName {
  readonly kind: AccountKind;
  /** `rcpt_…`, or the customer as callers name it. */
  readonly reference: string;
}

/** Null: the rule names none, or the call has no such party. */
export function accountOf(
  rule: PaymentRule,
  document: CredentialDocument,
  customer: string | null,
): CreditAccountName | null {
  switch (rule.account) {
    case "recipient":
      return document.recipient === null ? null : { kind: "recipient", reference: document.recipient.id };
    case "customer":
      return customer === null ? null : { kind: "customer", reference: customer };
    case null:
      return null;
  }
}

export function ledgerName(organisationId: string, account: CreditAccountName): string {
  return `${organisationId}/${account.kind}/${account.reference}`;
}
