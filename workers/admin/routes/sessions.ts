/**
 * Login and sessions of the dashboard. Opening a mailed link changes nothing: its button does, so that mail scanners use up
 * no link. Asking for a link answers the same for every address.
 */
import { html } from "hono/html";
import * as z from "zod";
import { accessEmail } from "../../../src/cloudflare/access-login.ts";
import { LoginLinkAnswer, LoginLinkRequest, Session } from "../../../src/contract/member.ts";
import { err, ok } from "../../../src/domain/result.ts";
import { findMember, membersByEmail, revokeSession, useLoginLink } from "../../../src/store/members.ts";
import { findOrganisation } from "../../../src/store/organisations.ts";
import { reply } from "../answer.ts";
import { bearerToken } from "../authenticate.ts";
import { endedCookieHeader, LOGIN_SECRET_CHARS, loginLinkId, openSession } from "../login.ts";
import { mailLoginLinks } from "../login-mail.ts";
import { keySessionId, openKeySession } from "../key-session.ts";
import { isForeignForm, page } from "../page.ts";
import {
  definePublicRoute,
  defineRoute,
  ISSUERS_AND_READERS,
  type Outcome,
  type PublicContext,
  type Route,
} from "../route.ts";
import { sessionCookie, sessionIdOf } from "../session.ts";

const LINK = z.strictObject({ secret: z.string().regex(new RegExp(`^[A-Za-z0-9_-]{${LOGIN_SECRET_CHARS}}$`)) });

const askLoginLink = definePublicRoute({
  method: "POST",
  path: "/api/v1/login-links",
  operationId: "askLoginLink",
  tag: "Sessions",
  summary: "Mail a one-time login link, if the address is a member's",
  body: LoginLinkRequest,
  idempotent: false,
  responses: { 202: LoginLinkAnswer },
  problems: ["csrf_refused"],
  async handler(context, { body }): Promise<Outcome> {
    if (isForeignForm(context.request, context.settings.adminOrigin)) {
      return err({ code: "csrf_refused", detail: "A login link can be asked for only from the dashboard itself" });
    }
    // After the answer, so that its time does not tell who is a member either.
    context.defer(mailLoginLinks(context, body.email.toLowerCase()));
    return reply(202, { sent: true });
  },
});

const showLogin = definePublicRoute({
  method: "GET",
  path: "/login/:secret",
  operationId: "showLogin",
  tag: "Pages",
  summary: "Show the button that uses a login link",
  params: LINK,
  responses: { 200: ["text/html"] },
  async handler(_context, { params }): Promise<Outcome> {
    const content = html`<p>Log in to the RelayKey dashboard on this device?</p>
      <form method="post" action="/login/${params.secret}">
        <button type="submit" class="primary">Log in</button>
      </form>`;
    return ok(await page("Log in", content));
  },
});

const answerLogin = definePublicRoute({
  method: "POST",
  path: "/login/:secret",
  operationId: "answerLogin",
  tag: "Pages",
  summary: "Use a login link and open a session",
  params: LINK,
  accepts: "json_or_form",
  idempotent: false,
  responses: { 303: ["text/html"] },
  async handler(context, { params }): Promise<Outcome> {
    const refusal = page(
      "Link not valid",
      html`<p>This link was used before, has expired or is not complete. Ask for a new one.</p>`,
      { status: 410 },
    );
    if (isForeignForm(context.request, context.settings.adminOrigin)) return ok(await refusal);
    const link = await useLoginLink(context.db, loginLinkId(context.settings, params.secret), context.nowMs);
    if (link === null || link.memberId === null) return ok(await refusal);
    const member = await findMember(context.db, link.organisationId, link.memberId);
    const cookie = member === null || member.status === "removed" ? null : await openSession(context, member);
    return ok(await (cookie === null ? refusal : enter(context, cookie)));
  },
});

const accessLogin = definePublicRoute({
  method: "GET",
  path: "/login/access",
  operationId: "accessLogin",
  tag: "Pages",
  summary: "Open a session for whom Cloudflare Access let in, if it is configured",
  responses: { 303: ["text/html"] },
  async handler(context): Promise<Outcome> {
    const email = await accessEmail(context.request, context.env);
    const [member] = email === null ? [] : await membersByEmail(context.db, email);
    const cookie = member === undefined ? null : await openSession(context, member);
    if (cookie === null) {
      const content = html`<p>Cloudflare Access is not set up here, or nobody with your address is a member.</p>`;
      return ok(await page("No access", content, { status: 403 }));
    }
    return ok(await enter(context, cookie));
  },
});

const getSession = defineRoute({
  method: "GET",
  path: "/api/v1/session",
  operationId: "getSession",
  tag: "Sessions",
  summary: "Say who is calling",
  roles: ISSUERS_AND_READERS,
  responses: { 200: Session },
  async handler(context): Promise<Outcome> {
    const organisation = await findOrganisation(context.db, context.organisationId);
    const { kind, id, name, role } = context.caller;
    const { organisationId } = context;
    return reply(200, {
      kind,
      id,
      name,
      role,
      organisation: { id: organisationId, name: organisation?.name ?? "", plan: organisation?.plan ?? "" },
    });
  },
});

const openSessionWithKey = defineRoute({
  method: "POST",
  path: "/api/v1/session",
  operationId: "openSession",
  tag: "Sessions",
  summary: "Turn a management key into a dashboard session, so that no browser keeps the key",
  description: "The key stands in the Authorization header; the answer sets an HttpOnly cookie.",
  roles: ISSUERS_AND_READERS,
  responses: { 204: null },
  idempotent: false,
  async handler(context): Promise<Outcome> {
    const token = bearerToken(context.request);
    if (token === null || context.caller.kind !== "management_key") {
      return err({ code: "credential_missing", detail: "Send a management key as Authorization: Bearer rk_mgmt_…" });
    }
    return ok({ status: 204, headers: { "set-cookie": await openKeySession(context, token) } });
  },
});

const endSession = defineRoute({
  method: "DELETE",
  path: "/api/v1/session",
  operationId: "endSession",
  tag: "Sessions",
  summary: "Log out",
  roles: ISSUERS_AND_READERS,
  responses: { 204: null },
  async handler(context): Promise<Outcome> {
    const value = sessionCookie(context.settings, context.request);
    if (value !== null) {
      for (const id of [sessionIdOf(context.settings, value), keySessionId(context.settings, value)]) {
        await revokeSession(context.db, context.organisationId, id, context.nowMs);
      }
    }
    return ok({ status: 204, headers: { "set-cookie": endedCookieHeader(context.settings) } });
  },
});

/** `/login/access` stands before `/login/:secret`, which would match it too. */
export const SESSION_ROUTES: readonly Route[] = [
  askLoginLink,
  accessLogin,
  showLogin,
  answerLogin,
  getSession,
  openSessionWithKey,
  endSession,
];

/** The redirect begins on our own page, so that the browser sends the SameSite=Strict cookie with it. */
function enter(context: PublicContext, cookie: string): Promise<Response> {
  const target = context.settings.adminOrigin ?? new URL(context.request.url).origin;
  const content = html`<p>You are logged in. <a href="/">Go to the dashboard</a></p>`;
  const headers = { "set-cookie": cookie, location: `${target}/` };
  return page("Logged in", content, { status: 303, headers });
}
