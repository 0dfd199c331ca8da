/**
 * The mail port and the choice of its provider. A provider sends one mail or says whether trying again can help.
 * Never logs an address, a text or a provider's credentials.
 */
import { isMailAddress, type Mail } from "../domain/mail-message.ts";
import { err, type Result } from "../domain/result.ts";
import { sendEmailMailer } from "./mail-binding.ts";
import { resendMailer } from "./mail-resend.ts";
import { parseSmtpUrl, smtpMailer, type SmtpConnect } from "./mail-smtp.ts";

export interface MailFailure {
  /** False: the same mail will never be taken (a refused address, a mail that is too large). */
  readonly retryable: boolean;
  /** For operators: a provider's status or a step's name, never a text from outside. */
  readonly reason: string;
}

export interface Mailer {
  send(mail: Mail): Promise<Result<void, MailFailure>>;
}

export interface MailSettings {
  readonly provider: string;
  readonly from: string;
  readonly binding: SendEmail | undefined;
  readonly resendApiKey: string | undefined;
  /** `smtp://user:password@host:587` or `smtps://…:465`. */
  readonly smtpUrl: string | undefined;
  /** Only on a local machine: unencrypted SMTP to loopback. */
  readonly local: boolean;
}

export interface MailDependencies {
  readonly fetch: (request: Request) => Promise<Response>;
  readonly connect: SmtpConnect;
  readonly nowMs: () => number;
  /** The mailbox on the local machine; it is asked for only when it is the chosen provider and this is a local run. */
  readonly mailbox: Mailer;
}

/**
 * The mailer that the settings name. A wrong setting gives a mailer that takes no mail and says what is missing: it
 * may be put right before the mail's attempts are used up.
 */
export function chooseMailer(settings: MailSettings, dependencies: MailDependencies): Mailer {
  if (settings.provider === "mailbox") {
    return settings.local ? dependencies.mailbox : refusing("MAIL_PROVIDER mailbox exists only on a local machine");
  }
  if (!isMailAddress(settings.from)) return refusing("MAIL_FROM is not a mail address");
  switch (settings.provider) {
    case "send_email":
      if (settings.binding === undefined) return refusing("The binding MAIL is missing");
      return checked(sendEmailMailer(settings.binding, settings.from));
    case "resend":
      if (settings.resendApiKey === undefined) return refusing("RESEND_API_KEY is missing");
      return checked(resendMailer(dependencies.fetch, settings.resendApiKey, settings.from));
    case "smtp": {
      const target = parseSmtpUrl(settings.smtpUrl ?? "", settings.local);
      if (!target.ok) return refusing(target.error);
      return checked(smtpMailer(dependencies.connect, target.value, settings.from, dependencies.nowMs));
    }
    default:
      return refusing("MAIL_PROVIDER names no provider");
  }
}

function checked(mailer: Mailer): Mailer {
  return {
    send: async (mail) =>
      isMailAddress(mail.to)
        ? mailer.send(mail)
        : err({ retryable: false, reason: "The recipient is not a mail address" }),
  };
}

function refusing(reason: string): Mailer {
  return { send: async () => err({ retryable: true, reason }) };
}
