/**
 * The page behind a mailed confirmation link. Opening it changes nothing: only a click that posts the page's own form
 * token does, so that mail scanners and previews confirm nothing. "This wasn't me" stops the credential at once.
 */
import { html } from "hono/html";
import * as z from "zod";
import { tellGates } from "../../../src/cloudflare/gate-fanout.ts";
import type { AdminProblem } from "../../../src/contract/problem.ts";
import {
  checkForm,
  FORM_TOKEN_TTL_MS,
  readConfirmation,
  signForm,
  type Confirmation,
  type ConfirmationAction,
  type LinkFailure,
} from "../../../src/domain/confirmation.ts";
import { deriveKey } from "../../../src/domain/derived-key.ts";
import { err, ok } from "../../../src/domain/result.ts";
import { insertControlEvent } from "../../../src/store/control-events.ts";
import { markGatesTold, pendingGates, revokeCredentials } from "../../../src/store/gate-pending.ts";
import { freshId } from "../changes.ts";
import { isForeignForm, page, type Html } from "../page.ts";
import { definePublicRoute, type Outcome, type PublicContext, type Route } from "../route.ts";

const PATH = "/confirm/:token";
const PARAMS = z.strictObject({ token: z.string().min(1).max(2048) });
const FORM = z.strictObject({ action: z.enum(["confirm", "reject"]), form_token: z.string().min(1).max(128) });

const showConfirmation = definePublicRoute({
  method: "GET",
  path: PATH,
  operationId: "showConfirmation",
  tag: "Pages",
  summary: "Show what a confirmation link would confirm",
  params: PARAMS,
  responses: { 200: ["text/html"] },
  async handler(context, { params }): Promise<Outcome> {
    const read = readConfirmation(linkKey(context), params.token, context.nowMs);
    return ok(await (read.ok ? askPage(context, params.token, read.value) : linkFailurePage(read.error)));
  },
});

const answerConfirmation = definePublicRoute({
  method: "POST",
  path: PATH,
  operationId: "answerConfirmation",
  tag: "Pages",
  summary: "Confirm a new address, or say that it was somebody else",
  params: PARAMS,
  body: FORM,
  accepts: "json_or_form",
  idempotent: false,
  responses: { 200: ["text/html"] },
  async handler(context, { params, body }): Promise<Outcome> {
    const read = readConfirmation(linkKey(context), params.token, context.nowMs);
    if (!read.ok) return ok(await linkFailurePage(read.error));
    const fresh = checkForm(formKey(context), params.token, body.action, body.form_token, context.nowMs);
    if (!fresh || isForeignForm(context.request, context.settings.adminOrigin)) {
      const content = html`<p>This form is no longer valid. Open the link from the mail again.</p>`;
      return ok(await page("Please try again", content, { status: 403 }));
    }
    return body.action === "confirm" ? confirm(context, read.value) : reject(context, read.value);
  },
});

export const CONFIRM_ROUTES: readonly Route[] = [showConfirmation, answerConfirmation];

async function confirm(context: PublicContext, asked: Confirmation): Promise<Outcome> {
  const gate = context.env.GATES.getByName(asked.credentialId);
  const answered = await gate.confirm(asked.confirmationId, asked.address);
  if (!answered.ok) return ok(await gateRefusalPage(answered.reason));
  await insertControlEvent(context.db, recipientEvent(context, asked, "confirmAddress"));
  const content = html`<p>
    The address <strong>${asked.address}</strong> may now be used with the credential
    <strong>${asked.credentialName}</strong>. The stopped call can be repeated.
  </p>`;
  return ok(await page("Address confirmed", content));
}

async function reject(context: PublicContext, asked: Confirmation): Promise<Outcome> {
  const gate = context.env.GATES.getByName(asked.credentialId);
  const answered = await gate.denyAddress(asked.confirmationId, asked.address);
  // A link that was used to confirm by mistake, or by whoever read the mail, may still stop the credential.
  if (!answered.ok && answered.reason !== "used") return ok(await gateRefusalPage(answered.reason));
  const reach = { credentialId: asked.credentialId };
  await context.db.batch([
    revokeCredentials(context.db, asked.organisationId, reach, context.nowMs),
    insertControlEvent(context.db, recipientEvent(context, asked, "rejectAddress")),
  ]);
  const pending = await pendingGates(context.db, asked.organisationId, reach);
  const told = await tellGates(context.env.GATES, pending);
  await markGatesTold(context.db, asked.organisationId, told);
  if (told.length < pending.length) return err(notHeldYet());
  const content = html`<p>
    The credential <strong>${asked.credentialName}</strong> has been revoked: no request with it is admitted any more.
    Ask whoever gave it to you for a new one.
  </p>`;
  return ok(await page("Credential revoked", content));
}

function notHeldYet(): AdminProblem {
  return {
    code: "unavailable",
    detail: "The revocation is stored but does not hold everywhere yet. Repeat the request.",
    retryAfterSeconds: 5,
  };
}

function askPage(context: PublicContext, link: string, asked: Confirmation): Promise<Response> {
  const expiresAtMs = Math.min(context.nowMs + FORM_TOKEN_TTL_MS, asked.expiresAtMs);
  const button = (action: ConfirmationAction, label: string, look: string): Html =>
    html` <form method="post" action="/confirm/${link}">
      <input type="hidden" name="action" value="${action}" />
      <input type="hidden" name="form_token" value="${signForm(formKey(context), link, action, expiresAtMs)}" />
      <button type="submit" class="${look}">${label}</button>
    </form>`;
  const content = html` <p>
      The credential <strong>${asked.credentialName}</strong> was used from an address that has not been seen before.
      The call was stopped.
    </p>
    <dl>
      <dt>Address</dt>
      <dd>${asked.address}</dd>
      <dt>Client</dt>
      <dd>${asked.userAgent === "" ? "not named" : asked.userAgent}</dd>
      <dt>Integration</dt>
      <dd>${asked.connectionName}</dd>
      <dt>Time</dt>
      <dd>${timeText(asked.requestedAtMs)}</dd>
    </dl>
    <p>Was this you, or something that works for you?</p>
    <div class="choices">
      ${button("confirm", "Yes, trust this address", "primary")}
      ${button("reject", "This wasn’t me: revoke the credential", "danger")}
    </div>
    <p class="note">Nothing happens until you choose. The link works once, until ${timeText(asked.expiresAtMs)}.</p>`;
  return page("A new address", content);
}

const LINK_FAILURES: Readonly<Record<LinkFailure, { status: number; text: string }>> = {
  malformed: { status: 404, text: "This link is not complete. Copy it from the mail as a whole." },
  forged: { status: 404, text: "This link is not valid." },
  expired: { status: 410, text: "This link has expired. Repeat the call to get a new mail." },
};

function linkFailurePage(failure: LinkFailure): Promise<Response> {
  const { status, text } = LINK_FAILURES[failure];
  return page("Link not valid", html`<p>${text}</p>`, { status });
}

const GATE_REFUSALS: Readonly<Record<string, { status: number; text: string }>> = {
  used: { status: 409, text: "This link was used before. It works once." },
  expired: LINK_FAILURES.expired,
};

function gateRefusalPage(reason: string): Promise<Response> {
  const { status, text } = GATE_REFUSALS[reason] ?? LINK_FAILURES.forged;
  return page("Link not valid", html`<p>${text}</p>`, { status });
}

/** The recipient acts without a key of their own; whoever held the mail is on record as such. */
function recipientEvent(context: PublicContext, asked: Confirmation, action: string) {
  return {
    id: freshId(context, "evt"),
    organisationId: asked.organisationId,
    atMs: context.nowMs,
    actorId: "recipient",
    actorKind: "system" as const,
    actorName: "Recipient, by mailed link",
    role: "recipient",
    action,
    targetType: "credential",
    targetId: asked.credentialId,
    before: null,
    after: { address: asked.address, confirmation_id: asked.confirmationId },
    requestId: context.requestId,
    address: context.address,
  };
}

function linkKey(context: PublicContext): Uint8Array {
  return deriveKey(context.settings.signingSeed, "confirmation_link");
}

function formKey(context: PublicContext): Uint8Array {
  return deriveKey(context.settings.signingSeed, "confirmation_form");
}

function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
