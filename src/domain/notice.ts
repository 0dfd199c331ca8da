/**
 * What a gate asks others to tell people: by mail, by webhook, or both. A notice travels the same way as audit events,
 * is kept until the audit Worker has it, and is dispatched once (its id is its name everywhere).
 */
import type { BudgetUnit } from "./limits.ts";

interface NoticeBase {
  readonly id: string;
  readonly organisationId: string;
  readonly credentialId: string;
  readonly credentialName: string;
  readonly recipientId: string | null;
  readonly recipientName: string | null;
  /** Where the mail goes; null: administrators only. */
  readonly recipientEmail: string | null;
  readonly atMs: number;
}

/** A credential was used from an address that nobody has confirmed. */
export interface ConfirmAddressNotice extends NoticeBase {
  readonly kind: "confirm_address";
  readonly confirmationId: string;
  /** As the gate keys it: an IPv4 address, or an IPv6 /64. */
  readonly address: string;
  readonly connectionId: string;
  readonly connectionName: string;
  readonly userAgent: string;
  readonly expiresAtMs: number;
}

/** The spent part of a budget reached a threshold, for the first time in its window. */
export interface BudgetAlertNotice extends NoticeBase {
  readonly kind: "budget_alert";
  readonly limitName: string;
  readonly grantId: string | null;
  readonly unit: BudgetUnit;
  readonly limit: number;
  readonly spent: number;
  readonly thresholdPercent: number;
  readonly windowStartMs: number;
  readonly windowEndMs: number;
}

export type Notice = ConfirmAddressNotice | BudgetAlertNotice;
