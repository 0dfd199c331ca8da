/**
 * The mailer of a Worker, from its bindings and variables. The one place that knows `cloudflare:sockets` for mail.
 */
import { connect } from "cloudflare:sockets";
import { ok } from "../domain/result.ts";
import { keepMail } from "../store/dev-mailbox.ts";
import { chooseMailer, type Mailer } from "./mail.ts";
import type { SmtpSocket } from "./mail-smtp.ts";

export interface MailEnv {
  readonly AUDIT_DB: D1Database;
  readonly RELAYKEY_LOCAL: string;
  readonly MAIL_PROVIDER?: string;
  readonly MAIL_FROM?: string;
  /** Cloudflare's `send_email` binding. */
  readonly MAIL?: SendEmail;
  readonly RESEND_API_KEY?: string;
  readonly SMTP_URL?: string;
}

export function workerMailer(env: MailEnv): Mailer {
  return chooseMailer(
    {
      provider: env.MAIL_PROVIDER ?? "",
      from: env.MAIL_FROM ?? "",
      binding: env.MAIL,
      resendApiKey: env.RESEND_API_KEY,
      smtpUrl: env.SMTP_URL,
      local: env.RELAYKEY_LOCAL === "true",
    },
    {
      fetch: (request) => fetch(request),
      connect: (hostname, port, secureTransport) =>
        smtpSocket(connect({ hostname, port }, { secureTransport, allowHalfOpen: false })),
      nowMs: () => Date.now(),
      mailbox: {
        send: async (mail) => {
          await keepMail(env.AUDIT_DB, mail, Date.now());
          return ok(undefined);
        },
      },
    },
  );
}

function smtpSocket(socket: Socket): SmtpSocket {
  return {
    readable: socket.readable as ReadableStream<Uint8Array>,
    writable: socket.writable as WritableStream<Uint8Array>,
    startTls: () => smtpSocket(socket.startTls()),
    close: () => socket.close(),
  };
}
