/**
 * Trusted addresses of a credential. What was learned or added lives in the credential's gate alone: this asks it and puts
 * changes on record. What policies list is shown beside it.
 */
import * as z from "zod";
import { TrustedAddress, TrustedAddressInput } from "../../../src/contract/credential.ts";
import { CredentialId, wireTime } from "../../../src/contract/fields.ts";
import { AddressBlock } from "../../../src/contract/limits.ts";
import { pageOf } from "../../../src/contract/page.ts";
import { fieldProblem, notFound } from "../../../src/contract/problem.ts";
import type { AdminProblem } from "../../../src/contract/problem.ts";
import { err, ok } from "../../../src/domain/result.ts";
import type { Result } from "../../../src/domain/result.ts";
import type { GateControl, TrustChange, TrustedAddressRow } from "../../../src/cloudflare/gate-fanout.ts";
import { runBatch } from "../../../src/store/control-db.ts";
import { reply } from "../answer.ts";
import { recordChange } from "../changes.ts";
import { credentialView } from "../credential-view.ts";
import { EDITORS, READERS, defineRoute } from "../route.ts";
import type { Outcome, Route, RouteContext } from "../route.ts";
import { findVisible } from "./credentials.ts";

const PATH = "/api/v1/delegated-credentials/:credential_id/trusted-addresses";
const ALIASES = ["/admin/virtual-keys/:credential_id/trusted-addresses"] as const;
const TAG = "Delegated credentials";
const ONE = z.strictObject({ credential_id: CredentialId });

const list = defineRoute({
  method: "GET",
  path: PATH,
  aliases: ALIASES,
  operationId: "listTrustedAddresses",
  tag: TAG,
  summary: "List the addresses from which a credential may be used",
  roles: READERS,
  params: ONE,
  responses: { 200: pageOf(TrustedAddress) },
  async handler(context, { params }): Promise<Outcome> {
    const found = await findVisible(context, params.credential_id);
    if (!found.ok) return found;
    const { row, grants } = found.value;
    // The gate knows its lists from the first call on only, and this answers before it.
    const { addresses = [] } = credentialView(row, grants, context.nowMs).trust;
    const listed = addresses.map((address) => ({ address, trusted_at: null, how: "policy" as const }));
    const learned = await asked(() => context.env.GATES.getByName(row.id).listTrusted());
    if (!learned.ok) return learned;
    return reply(200, { data: [...listed, ...learned.value.map(trustedView)], next_cursor: null });
  },
});

const add = defineRoute({
  method: "POST",
  path: PATH,
  aliases: ALIASES,
  operationId: "addTrustedAddress",
  tag: TAG,
  summary: "Trust an address",
  roles: EDITORS,
  params: ONE,
  body: TrustedAddressInput,
  responses: { 201: TrustedAddress },
  async handler(context, { params, body }): Promise<Outcome> {
    const changed = await change(context, params.credential_id, body.address, "add");
    if (!changed.ok) return changed;
    return reply(201, { address: changed.value, trusted_at: wireTime(context.nowMs), how: "admin" });
  },
});

const remove = defineRoute({
  method: "DELETE",
  path: PATH,
  aliases: ALIASES,
  operationId: "removeTrustedAddress",
  tag: TAG,
  summary: "Trust an address no longer",
  description: "The address stands in the body, or in the query for clients that send none with DELETE.",
  roles: EDITORS,
  params: ONE,
  query: z.strictObject({ address: AddressBlock.optional() }),
  body: TrustedAddressInput.partial(),
  responses: { 204: null },
  async handler(context, { params, query, body }): Promise<Outcome> {
    const address = body.address ?? query.address;
    if (address === undefined) return err(fieldProblem("address", "Is required"));
    const changed = await change(context, params.credential_id, address, "remove");
    return changed.ok ? reply(204) : changed;
  },
});

export const TRUSTED_ADDRESS_ROUTES: readonly Route[] = [list, add, remove];

async function gateOf(context: RouteContext, id: string): Promise<Result<GateControl, AdminProblem>> {
  const found = await findVisible(context, id);
  return found.ok ? ok(context.env.GATES.getByName(id)) : found;
}

async function change(
  context: RouteContext,
  credentialId: string,
  address: string,
  verb: "add" | "remove",
): Promise<Result<string, AdminProblem>> {
  const gate = await gateOf(context, credentialId);
  if (!gate.ok) return gate;
  const told = await asked(() => (verb === "add" ? gate.value.addTrusted(address) : gate.value.removeTrusted(address)));
  if (!told.ok) return told;
  if (!told.value.ok) return err(refusal(told.value.reason));
  const entry = { address: told.value.address };
  // The gate holds the change already: the record follows it, and repeating the request repairs a missing line.
  await runBatch(context.db, [
    recordChange(context, {
      targetType: "delegated_credential",
      targetId: credentialId,
      before: verb === "add" ? null : entry,
      after: verb === "add" ? entry : null,
    }),
  ]);
  return ok(told.value.address);
}

function refusal(reason: Extract<TrustChange, { ok: false }>["reason"]): AdminProblem {
  switch (reason) {
    case "invalid_address":
      return fieldProblem("address", "Must be one IPv4 address, or an IPv6 address or its /64");
    case "too_many":
      return { code: "conflict", detail: "The credential trusts as many addresses as it can" };
    case "not_found":
      return notFound("trusted address");
  }
}

async function asked<T>(ask: () => Promise<T>): Promise<Result<T, AdminProblem>> {
  try {
    return ok(await ask());
  } catch {
    return err({ code: "unavailable", detail: "The credential's gate did not answer", retryAfterSeconds: 2 });
  }
}

function trustedView(row: TrustedAddressRow): z.output<typeof TrustedAddress> {
  return { address: row.address, trusted_at: wireTime(row.trustedAtMs), how: row.how };
}
