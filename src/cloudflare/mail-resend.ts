/**
 * Mail through Resend's HTTP API (https://resend.com/docs/api-reference/emails/send-email). The mail's id is the
 * idempotency key, so that a retry after a lost answer sends nothing twice.
 */
import type { Mail } from "../domain/mail-message.ts";
import { err, ok } from "../domain/result.ts";
import type { Mailer } from "./mail.ts";

const ENDPOINT = "https://api.resend.com/emails";
const TIMEOUT_MS = 10_000;

export function resendMailer(fetcher: (request: Request) => Promise<Response>, apiKey: string, from: string): Mailer {
  return {
    send: async (mail) => {
      let response: Response;
      try {
        response = await fetcher(resendRequest(mail, apiKey, from));
      } catch {
        return err({ retryable: true, reason: "Resend could not be reached" });
      }
      await response.body?.cancel();
      if (response.ok) return ok(undefined);
      // 409: the same key is being handled right now; 429 and 5xx pass.
      const retryable = response.status === 409 || response.status === 429 || response.status >= 500;
      return err({ retryable, reason: `Resend answered ${response.status}` });
    },
  };
}

function resendRequest(mail: Mail, apiKey: string, from: string): Request {
  return new Request(ENDPOINT, {
    method: "POST",
    redirect: "manual",
    signal: AbortSignal.timeout(TIMEOUT_MS),
    headers: {
      authorization: `Bearer ${apiKey}`,
      "content-type": "application/json",
      "idempotency-key": mail.id,
    },
    body: JSON.stringify({ from: `RelayKey <${from}>`, to: [mail.to], subject: mail.subject, text: mail.text }),
  });
}
