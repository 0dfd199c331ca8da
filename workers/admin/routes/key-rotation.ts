/**
 * Moves everything that is sealed under the current key-encryption key. Each call moves some rows and says how many are
 * left, so that it can be interrupted and repeated at any moment; calls to vendors go on meanwhile. The cron does the same.
 */
import * as z from "zod";
import { rewrapWebhookSecrets } from "../../../src/cloudflare/webhooks.ts";
import { DEFAULT_ORGANISATION_ID } from "../../../src/domain/ids.ts";
import { err } from "../../../src/domain/result.ts";
import { runBatch } from "../../../src/store/control-db.ts";
import type { ControlDb } from "../../../src/store/control-db.ts";
import { sealedUnderOtherKek } from "../../../src/store/connections.ts";
import { webhooksUnderOtherKek } from "../../../src/store/webhooks.ts";
import { reply } from "../answer.ts";
import { recordChange } from "../changes.ts";
import { rewrapOldSecrets } from "../kek-rotation.ts";
import { EDITORS, defineRoute } from "../route.ts";
import type { Outcome, Route } from "../route.ts";

/** Counted up to this; more are reported as this many. */
const MAX_COUNTED = 1_000;

const KeyRotation = z
  .strictObject({
    /** Id of the current key-encryption key. */
    current: z.string(),
    moved: z.int(),
    /** Still sealed under another key. When a call moves none of them, their key is no longer in the ring. */
    remaining: z.int(),
  })
  .meta({ id: "KeyRotation" });

const rotateKeys = defineRoute({
  method: "POST",
  path: "/api/v1/key-rotation",
  operationId: "rotateKeys",
  tag: "System",
  summary: "Move sealed secrets under the current key-encryption key; repeat until none remain",
  roles: EDITORS,
  responses: { 200: KeyRotation },
  idempotent: false,
  async handler(context): Promise<Outcome> {
    if (context.organisationId !== DEFAULT_ORGANISATION_ID) {
      return err({ code: "role_denied", detail: "Only the deployment's own organisation moves the sealed secrets" });
    }
    const { keks } = context.settings;
    const current = keks[0].id;
    const moved = (await rewrapOldSecrets(context.db, keks)) + (await rewrapWebhookSecrets(context.db, keks));
    const after = { current, moved, remaining: await remainingUnderOther(context.db, current) };
    const change = { targetType: "key_rotation", targetId: current, before: null, after };
    if (moved > 0) await runBatch(context.db, [recordChange(context, change)]);
    return reply(200, after);
  },
});

async function remainingUnderOther(db: ControlDb, current: string): Promise<number> {
  const keys = await sealedUnderOtherKek(db, current, MAX_COUNTED);
  const webhooks = await webhooksUnderOtherKek(db, current, MAX_COUNTED);
  return keys.length + webhooks.length;
}

export const KEY_ROTATION_ROUTES: readonly Route[] = [rotateKeys];
