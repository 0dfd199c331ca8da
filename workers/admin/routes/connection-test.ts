/** Tries a connection's key with a cheap read. The verdict says whether the key works; the vendor's answer is not shown. */
import * as z from "zod";
import { vendorById } from "../../../src/catalogue/catalogue.ts";
import { testCallFor } from "../../../src/catalogue/choices.ts";
import { probeConnection } from "../../../src/cloudflare/connection-probe.ts";
import { openSecret, secretProviderSettings } from "../../../src/cloudflare/secret-providers.ts";
import { ConnectionId, UpstreamCredentialId, readableText } from "../../../src/contract/fields.ts";
import { fieldProblem, notFound } from "../../../src/contract/problem.ts";
import type { AdminProblem } from "../../../src/contract/problem.ts";
import { customTest } from "../../../src/domain/connection-test.ts";
import type { TestCall, TestVerdict } from "../../../src/domain/connection-test.ts";
import { err, ok } from "../../../src/domain/result.ts";
import type { Result } from "../../../src/domain/result.ts";
import { findConnection, upstreamCredentialsOf } from "../../../src/store/connections.ts";
import type { ConnectionRow, UpstreamCredentialRow } from "../../../src/store/connections.ts";
import { reply } from "../answer.ts";
import { EDITORS, defineRoute } from "../route.ts";
import type { Outcome, Route, RouteContext } from "../route.ts";

const ConnectionTest = z
  .strictObject({
    /** Default: the first that is in use. */
    upstream_credential_id: UpstreamCredentialId.optional(),
    /** Upstream path to read, base path included; default: what the catalogue knows for the vendor. */
    path: readableText(1_024).startsWith("/", "Must start with a slash").optional(),
    variables: z.record(z.string().min(1).max(64), z.string().max(256)).optional(),
  })
  .meta({ id: "ConnectionTest" });

const ConnectionVerdict = z
  .strictObject({
    ok: z.boolean(),
    status: z.int().nullable(),
    summary: z.string(),
    hint: z.string().nullable(),
    upstream_credential_id: z.string().nullable(),
  })
  .meta({ id: "ConnectionVerdict" });

const testConnection = defineRoute({
  method: "POST",
  path: "/api/v1/connections/:connection_id/test",
  aliases: ["/admin/partners/:connection_id/test"],
  operationId: "testConnection",
  tag: "Connections",
  summary: "Try whether a connection's key works",
  roles: EDITORS,
  params: z.strictObject({ connection_id: ConnectionId }),
  body: ConnectionTest,
  responses: { 200: ConnectionVerdict },
  idempotent: false,
  async handler(context, { params, body }): Promise<Outcome> {
    const row = await findConnection(context.db, context.organisationId, params.connection_id);
    if (row === null) return err(notFound("connection"));
    const call = testCall(row, body, context.nowMs);
    if (!call.ok) return call;
    const upstream = await chosenCredential(context, row, body.upstream_credential_id);
    if (!upstream.ok) return upstream;
    const verdict = await probe(context, row, upstream.value, call.value);
    return reply(200, { ...verdict, upstream_credential_id: upstream.value?.id ?? null });
  },
});

export const CONNECTION_TEST_ROUTES: readonly Route[] = [testConnection];

function testCall(
  row: ConnectionRow,
  body: z.output<typeof ConnectionTest>,
  nowMs: number,
): Result<TestCall, AdminProblem> {
  if (body.path !== undefined) return ok(customTest(body.path));
  const vendor = row.vendor === null ? null : vendorById(row.vendor);
  // Without a known read, the base itself is asked: that proves the address at least, and the verdict says how much.
  if (vendor === null || vendor.test === null) return ok(customTest("/"));
  const known = testCallFor(vendor, row.auth, body.variables ?? {}, nowMs);
  return known.ok ? known : err(fieldProblem(known.error.field, known.error.message));
}

async function chosenCredential(
  context: RouteContext,
  row: ConnectionRow,
  id: string | undefined,
): Promise<Result<UpstreamCredentialRow | null, AdminProblem>> {
  const all = await upstreamCredentialsOf(context.db, context.organisationId, [row.id]);
  if (id !== undefined) {
    const named = all.find((each) => each.id === id);
    return named === undefined
      ? err(fieldProblem("upstream_credential_id", "Names no key of this connection"))
      : ok(named);
  }
  const first = all.find((each) => each.state === "active");
  if (first !== undefined || row.auth.scheme === "none") return ok(first ?? null);
  return err({ code: "conflict", detail: "The connection has no key in use" });
}

/** The secret lives in one local variable of this function. */
async function probe(
  context: RouteContext,
  row: ConnectionRow,
  upstream: UpstreamCredentialRow | null,
  call: TestCall,
): Promise<TestVerdict> {
  const outside = { fetch: (request: Request) => fetch(request), nowMs: () => Date.now() };
  let secret = "";
  if (upstream !== null) {
    const place = {
      organisationId: context.organisationId,
      connectionId: row.id,
      credentialId: upstream.id,
      version: upstream.version,
    };
    try {
      const providers = secretProviderSettings({ ...context.env }, context.settings.keks, outside);
      secret = await openSecret(upstream.location, place, providers);
    } catch {
      const hint = "Check the secret's provider; a Worker secret must be bound to the admin Worker to be tested.";
      return { ok: false, status: null, summary: "The key could not be read.", hint };
    }
  }
  const vendor = row.vendor === null ? null : vendorById(row.vendor);
  return probeConnection({
    connection: { baseUrl: row.baseUrl, auth: row.auth, headers: row.settings.headers },
    call,
    secret,
    defaultHeaders: vendor?.defaultHeaders ?? {},
    allowPrivate: context.settings.allowPrivateUpstreams,
    ...outside,
  });
}
