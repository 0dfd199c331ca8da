/**
 * Mail through Cloudflare's `send_email` binding. The binding builds the message itself, so no text of ours can become a header.
 */
import { err, ok } from "../domain/result.ts";
import type { Mailer } from "./mail.ts";

/** The part of the binding that is used here. */
export type MailBinding = Pick<SendEmail, "send">;

export function sendEmailMailer(binding: MailBinding, from: string): Mailer {
  return {
    send: async (mail) => {
      try {
        await binding.send({
          from: { name: "RelayKey", email: from },
          to: mail.to,
          subject: mail.subject.replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, " "),
          text: mail.text,
        });
        return ok(undefined);
      } catch (failure) {
        return err({ retryable: isPassing(failure), reason: "The binding did not take the mail" });
      }
    },
  };
}

/** Codes of the platform that name a mistake in the mail or the set-up; everything else may pass. */
const FINAL_CODES: ReadonlySet<string> = new Set([
  "E_VALIDATION_ERROR",
  "E_FIELD_MISSING",
  "E_SENDER_NOT_VERIFIED",
  "E_RECIPIENT_NOT_ALLOWED",
  "E_RECIPIENT_SUPPRESSED",
  "E_CONTENT_TOO_LARGE",
]);

function isPassing(failure: unknown): boolean {
  const code = typeof failure === "object" && failure !== null && "code" in failure ? failure.code : null;
  return typeof code !== "string" || !FINAL_CODES.has(code);
}
