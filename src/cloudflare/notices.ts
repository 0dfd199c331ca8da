/**
 * Tells people what gates noticed: by mail to the recipient, by webhook to whoever subscribed. A notice counts as sent
 * when the mail was taken (or there is nobody to mail) and its webhooks are queued; those have their own retries.
 * Mail and webhooks are recognised by the notice's id, so telling twice tells once.
 */
import { signConfirmation } from "../domain/confirmation.ts";
import { deriveKey } from "../domain/derived-key.ts";
import type { Mail } from "../domain/mail-message.ts";
import type { ConfirmAddressNotice, Notice } from "../domain/notice.ts";
import { budgetMail, confirmationMail } from "../domain/notice-text.ts";
import { noticeEvent } from "../domain/webhook-event.ts";
import type { NoticeDispatcher } from "../ports.ts";
import type { ControlDb } from "../store/control-db.ts";
import type { Mailer } from "./mail.ts";
import { queueWebhookEvent } from "./webhooks.ts";

export interface NoticeDependencies {
  readonly db: ControlDb;
  readonly mailer: Mailer;
  /** Public origin of the admin Worker; confirmation links point there. Empty: no link can be made, mail waits. */
  readonly adminOrigin: string;
  readonly signingSeed: Uint8Array;
  readonly nowMs: () => number;
}

export function noticeDispatcher(dependencies: NoticeDependencies): NoticeDispatcher {
  return {
    dispatch: async (notice) => {
      await queueWebhookEvent(dependencies.db, noticeEvent(notice), dependencies.nowMs());
      return mailOutcome(notice, dependencies);
    },
  };
}

async function mailOutcome(notice: Notice, dependencies: NoticeDependencies): Promise<"sent" | "later" | "dropped"> {
  const to = notice.recipientEmail;
  if (to === null) return "sent";
  if (notice.kind === "confirm_address" && dependencies.nowMs() >= notice.expiresAtMs) return "dropped";
  if (notice.kind === "confirm_address" && dependencies.adminOrigin === "") return "later";
  const sent = await dependencies.mailer.send(mailOf(notice, to, dependencies));
  if (sent.ok) return "sent";
  console.warn("mail not sent", { notice: notice.id, reason: sent.error.reason });
  return sent.error.retryable ? "later" : "dropped";
}

function mailOf(notice: Notice, to: string, dependencies: NoticeDependencies): Mail {
  return notice.kind === "budget_alert"
    ? budgetMail(notice, to)
    : confirmationMail(notice, to, confirmationUrl(notice, dependencies));
}

/** The link carries all that the page shows, signed; see `confirmation.ts`. */
export function confirmationUrl(
  notice: ConfirmAddressNotice,
  origin: Pick<NoticeDependencies, "adminOrigin" | "signingSeed">,
): string {
  const token = signConfirmation(deriveKey(origin.signingSeed, "confirmation_link"), {
    organisationId: notice.organisationId,
    credentialId: notice.credentialId,
    confirmationId: notice.confirmationId,
    address: notice.address,
    expiresAtMs: notice.expiresAtMs,
    requestedAtMs: notice.atMs,
    credentialName: notice.credentialName,
    connectionName: notice.connectionName,
    userAgent: notice.userAgent,
  });
  return `${origin.adminOrigin}/confirm/${token}`;
}
