/** The mailbox of a local installation, so that a newcomer can click the link in a mail. Elsewhere it does not exist. */
import { html } from "hono/html";
import { notFound } from "../../../src/contract/problem.ts";
import { err, ok } from "../../../src/domain/result.ts";
import { listMails } from "../../../src/store/dev-mailbox.ts";
import { page, type Html } from "../page.ts";
import { definePublicRoute, type Outcome, type Route } from "../route.ts";

const showMailbox = definePublicRoute({
  method: "GET",
  path: "/dev/mailbox",
  operationId: "showMailbox",
  tag: "Pages",
  summary: "Mails of a local installation; absent in a deployment",
  responses: { 200: ["text/html"] },
  async handler(context): Promise<Outcome> {
    if (!context.settings.local || context.env.MAIL_PROVIDER !== "mailbox") return err(notFound("route"));
    const mails = await listMails(context.env.AUDIT_DB);
    const content = html` <p class="note">Mails that this local installation would have sent, newest first.</p>
      ${mails.length === 0 ? html`<p>No mail yet.</p>` : ""}
      ${mails.map(
        (mail) =>
          html`<article>
            <h2>${mail.subject}</h2>
            <p class="note">To ${mail.to}, ${new Date(mail.atMs).toISOString()}</p>
            <pre>${linked(mail.text)}</pre>
          </article>`,
      )}`;
    return ok(await page("Mailbox", content));
  },
});

export const MAILBOX_ROUTES: readonly Route[] = [showMailbox];

/** Web addresses become links; everything else is text. */
function linked(text: string): Html[] {
  return text
    .split(/(https?:\/\/[^\s<>"']+)/)
    .map((part, index) => (index % 2 === 1 ? html`<a href="${part}">${part}</a>` : html`${part}`));
}
