/**
 * The page behind a share link. It decrypts in the browser, the server cannot. Opening is a click that asks for the sealed
 * text, so that previews open nothing, and is on record.
 */
import { html } from "hono/html";
import * as z from "zod";
import { wireTime } from "../../../src/contract/fields.ts";
import { notFound } from "../../../src/contract/problem.ts";
import { OpenedShare } from "../../../src/contract/share.ts";
import { err, ok } from "../../../src/domain/result.ts";
import { shareStatus } from "../../../src/domain/share.ts";
import { insertControlEvent } from "../../../src/store/control-events.ts";
import { findShareByLookup, takeShare } from "../../../src/store/shares.ts";
import { reply } from "../answer.ts";
import { freshId } from "../changes.ts";
import { isForeignForm, page, SHARE_SCRIPT_PATH } from "../page.ts";
import { definePublicRoute, type Outcome, type Route } from "../route.ts";
import { shareLookupHash } from "../share-lookup.ts";

const LINK = z.strictObject({ lookup: z.string().regex(/^[A-Za-z0-9_-]{32}$/) });

const showShare = definePublicRoute({
  method: "GET",
  path: "/share/:lookup",
  operationId: "showShare",
  tag: "Pages",
  summary: "The page that opens a share link in the browser",
  params: LINK,
  responses: { 200: ["text/html"] },
  async handler(context, { params }): Promise<Outcome> {
    const row = await findShareByLookup(context.db, shareLookupHash(params.lookup));
    const status = row === null ? "expired" : shareStatus(row, context.nowMs);
    if (row === null || status !== "waiting") {
      const content = html`<p>${STATUS_TEXT[status]} Ask for a new one.</p>`;
      return ok(await page("Link not valid", content, { status: row === null ? 404 : 410 }));
    }
    const content = html` <p>
        Somebody shared a RelayKey token with you. It can be shown once, on this page, and is decrypted in your browser.
      </p>
      <div class="choices"><button type="button" id="open" class="primary" disabled>Show the token</button></div>
      <p id="status" role="status"></p>
      <output id="token" hidden></output>
      <div class="choices"><button type="button" id="copy" hidden>Copy</button></div>
      <p class="note">The link works until ${wireTime(row.expiresAtMs)}.</p>
      <noscript><p>This page needs JavaScript: the token is decrypted here, so that no server sees it.</p></noscript>`;
    return ok(await page("A token for you", content, { script: SHARE_SCRIPT_PATH }));
  },
});

const openSharedToken = definePublicRoute({
  method: "POST",
  path: "/share/:lookup/open",
  operationId: "openShare",
  tag: "Pages",
  summary: "Give the sealed token out, once",
  params: LINK,
  idempotent: false,
  responses: { 200: OpenedShare },
  problems: ["gone"],
  async handler(context, { params }): Promise<Outcome> {
    if (isForeignForm(context.request, context.settings.adminOrigin)) return err(notFound("share"));
    const row = await findShareByLookup(context.db, shareLookupHash(params.lookup));
    if (row === null) return err(notFound("share"));
    const payload = await takeShare(context.db, row, context.nowMs, context.address);
    if (payload === null) return err({ code: "gone", detail: STATUS_TEXT[shareStatus(row, context.nowMs)] });
    await insertControlEvent(context.db, {
      id: freshId(context, "evt"),
      organisationId: row.organisationId,
      atMs: context.nowMs,
      actorId: "recipient",
      actorKind: "system",
      actorName: "Whoever held the share link",
      role: "recipient",
      action: context.operationId,
      targetType: "share",
      targetId: row.id,
      before: null,
      after: {
        credential_id: row.credentialId,
        user_agent: (context.request.headers.get("user-agent") ?? "").slice(0, 256),
      },
      requestId: context.requestId,
      address: context.address,
    });
    return reply(200, JSON.parse(payload));
  },
});

export const SHARE_PAGE_ROUTES: readonly Route[] = [showShare, openSharedToken];

const STATUS_TEXT = {
  waiting: "This link was opened a moment ago.",
  opened: "This link was opened before. It works once.",
  withdrawn: "This link was withdrawn.",
  expired: "This link has expired or never existed.",
} as const;
