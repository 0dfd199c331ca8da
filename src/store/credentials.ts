/** Credentials and their grants. Only keyed hashes of tokens are stored. */
import { and, asc, count, eq, gt, inArray, isNull, lte, notExists, or, sql } from "drizzle-orm";
import type { SQL } from "drizzle-orm";
import { afterPosition, failBatchIf, inList, newestFirst } from "./control-db.ts";
import type { ControlDb, PageRequest, Statement } from "./control-db.ts";
import { credentials, grants, policies } from "./control-schema.ts";
import { hasLabel } from "./label-filter.ts";

export type CredentialRow = typeof credentials.$inferSelect;
export type GrantRow = typeof grants.$inferSelect;
type PolicyRow = typeof policies.$inferSelect;

/** A grant with the policy that it refers to, as far as it exists. */
export interface GrantWithPolicy {
  readonly grant: GrantRow;
  readonly policy: PolicyRow | null;
}

export interface CredentialFilter {
  readonly kind?: CredentialRow["kind"] | undefined;
  readonly status?: "active" | "expired" | "revoked" | undefined;
  readonly recipientId?: string | undefined;
  readonly connectionId?: string | undefined;
  readonly createdBy?: string | undefined;
  /** A provisioner sees only what it minted, whatever else it asks for. */
  readonly visibleTo?: string | undefined;
  readonly name?: string | undefined;
  /** As `hasLabel` takes it. */
  readonly label?: string | undefined;
}

export async function findCredential(db: ControlDb, organisationId: string, id: string): Promise<CredentialRow | null> {
  const [found] = await db.select().from(credentials).where(ofId(organisationId, id));
  return found ?? null;
}

export function findCredentials(
  db: ControlDb,
  organisationId: string,
  ids: readonly string[],
): Promise<CredentialRow[]> {
  return db
    .select()
    .from(credentials)
    .where(and(eq(credentials.organisationId, organisationId), inList(credentials.id, ids)));
}

export function listCredentials(
  db: ControlDb,
  organisationId: string,
  filter: CredentialFilter,
  nowMs: number,
  page: PageRequest,
): Promise<CredentialRow[]> {
  return db
    .select()
    .from(credentials)
    .where(
      and(
        eq(credentials.organisationId, organisationId),
        ...filterConditions(db, organisationId, filter, nowMs),
        afterPosition(credentials.createdAtMs, credentials.id, page),
      ),
    )
    .orderBy(...newestFirst(credentials.createdAtMs, credentials.id))
    .limit(page.limit + 1);
}

/** Live ones: neither revoked nor expired. `createdBy`: only those of one issuer. */
export async function countLiveCredentials(
  db: ControlDb,
  organisationId: string,
  nowMs: number,
  createdBy?: string,
): Promise<number> {
  const filter: CredentialFilter = { status: "active", createdBy };
  const [row] = await db
    .select({ n: count() })
    .from(credentials)
    .where(and(eq(credentials.organisationId, organisationId), ...filterConditions(db, organisationId, filter, nowMs)));
  return row?.n ?? 0;
}

/** Fails its batch when so many are live already: the count and the insert are one step. */
export function guardLiveCredentials(
  db: ControlDb,
  organisationId: string,
  nowMs: number,
  max: number,
  createdBy?: string,
): Statement {
  const filter: CredentialFilter = { status: "active", createdBy };
  const live = db
    .select({ n: count() })
    .from(credentials)
    .where(and(eq(credentials.organisationId, organisationId), ...filterConditions(db, organisationId, filter, nowMs)));
  return failBatchIf(db, sql`(${live}) >= ${max}`);
}

/** Fails its batch when the credential was revoked or given another token since it was read: what replaced it stays. */
export function guardToken(db: ControlDb, row: CredentialRow): Statement {
  const same = and(eq(credentials.tokenHash, row.tokenHash), eq(credentials.status, "active"));
  const read = db
    .select({ id: credentials.id })
    .from(credentials)
    .where(and(ofId(row.organisationId, row.id), same));
  return failBatchIf(db, notExists(read));
}

/**
 * Fails its batch when anything of the credential or its grants was changed since it was read. The version of an expired
 * one does not rise, so its time of change counts too.
 */
export function guardDocument(db: ControlDb, row: CredentialRow): Statement {
  const same = and(eq(credentials.docVersion, row.docVersion), eq(credentials.updatedAtMs, row.updatedAtMs));
  const read = db
    .select({ id: credentials.id })
    .from(credentials)
    .where(and(ofId(row.organisationId, row.id), same));
  return failBatchIf(db, notExists(read));
}

/** In the order in which they were granted. */
export async function grantsOf(
  db: ControlDb,
  organisationId: string,
  credentialIds: readonly string[],
): Promise<GrantWithPolicy[]> {
  return db
    .select({ grant: grants, policy: policies })
    .from(grants)
    .leftJoin(policies, policyOfGrant())
    .where(and(eq(grants.organisationId, organisationId), inList(grants.credentialId, credentialIds)))
    .orderBy(asc(grants.createdAtMs), asc(grants.id));
}

export async function findGrant(db: ControlDb, organisationId: string, id: string): Promise<GrantWithPolicy | null> {
  const [found] = await db
    .select({ grant: grants, policy: policies })
    .from(grants)
    .leftJoin(policies, policyOfGrant())
    .where(and(eq(grants.organisationId, organisationId), eq(grants.id, id)));
  return found ?? null;
}

export function listGrants(
  db: ControlDb,
  organisationId: string,
  filter: {
    readonly credentialId?: string | undefined;
    readonly connectionId?: string | undefined;
    readonly policyId?: string | undefined;
  },
  page: PageRequest,
): Promise<GrantWithPolicy[]> {
  return db
    .select({ grant: grants, policy: policies })
    .from(grants)
    .leftJoin(policies, policyOfGrant())
    .where(
      and(
        eq(grants.organisationId, organisationId),
        filter.credentialId === undefined ? undefined : eq(grants.credentialId, filter.credentialId),
        filter.connectionId === undefined ? undefined : eq(grants.connectionId, filter.connectionId),
        filter.policyId === undefined ? undefined : eq(grants.policyId, filter.policyId),
        afterPosition(grants.createdAtMs, grants.id, page),
      ),
    )
    .orderBy(...newestFirst(grants.createdAtMs, grants.id))
    .limit(page.limit + 1);
}

export function insertCredential(db: ControlDb, row: CredentialRow): Statement {
  return db.insert(credentials).values(row);
}

export function updateCredential(
  db: ControlDb,
  organisationId: string,
  id: string,
  change: Partial<Omit<CredentialRow, "id" | "organisationId" | "docVersion" | "gatePending">>,
): Statement {
  return db.update(credentials).set(change).where(ofId(organisationId, id));
}

export function insertGrant(db: ControlDb, row: GrantRow): Statement {
  return db.insert(grants).values(row);
}

export function updateGrant(
  db: ControlDb,
  organisationId: string,
  id: string,
  change: Partial<Pick<GrantRow, "policyId" | "environment" | "settings">>,
): Statement {
  return db
    .update(grants)
    .set(change)
    .where(and(eq(grants.organisationId, organisationId), eq(grants.id, id)));
}

/** Fails its batch when the grant is gone or was changed since it was read. */
export function guardGrant(db: ControlDb, row: GrantRow): Statement {
  const read = db
    .select({ id: grants.id })
    .from(grants)
    .where(
      and(
        eq(grants.organisationId, row.organisationId),
        eq(grants.id, row.id),
        sql`${grants.policyId} IS ${row.policyId}`,
        sql`${grants.environment} IS ${row.environment}`,
        eq(grants.settings, row.settings),
      ),
    );
  return failBatchIf(db, notExists(read));
}

export function deleteGrant(db: ControlDb, organisationId: string, id: string): Statement {
  return db.delete(grants).where(and(eq(grants.organisationId, organisationId), eq(grants.id, id)));
}

function filterConditions(
  db: ControlDb,
  organisationId: string,
  filter: CredentialFilter,
  nowMs: number,
): (SQL | undefined)[] {
  const ofConnection = (connectionId: string) =>
    db
      .select({ id: grants.credentialId })
      .from(grants)
      .where(and(eq(grants.organisationId, organisationId), eq(grants.connectionId, connectionId)));
  return [
    filter.kind === undefined ? undefined : eq(credentials.kind, filter.kind),
    filter.recipientId === undefined ? undefined : eq(credentials.recipientId, filter.recipientId),
    filter.createdBy === undefined ? undefined : eq(credentials.createdBy, filter.createdBy),
    filter.visibleTo === undefined ? undefined : eq(credentials.createdBy, filter.visibleTo),
    filter.name === undefined ? undefined : eq(credentials.name, filter.name),
    filter.label === undefined ? undefined : hasLabel(credentials.labels, filter.label),
    filter.connectionId === undefined ? undefined : inArray(credentials.id, ofConnection(filter.connectionId)),
    statusCondition(filter.status, nowMs),
  ];
}

function statusCondition(status: CredentialFilter["status"], nowMs: number): SQL | undefined {
  switch (status) {
    case undefined:
      return undefined;
    case "revoked":
      return eq(credentials.status, "revoked");
    case "expired":
      return and(eq(credentials.status, "active"), lte(credentials.expiresAtMs, nowMs));
    case "active":
      return and(
        eq(credentials.status, "active"),
        or(isNull(credentials.expiresAtMs), gt(credentials.expiresAtMs, nowMs)),
      );
  }
}

function policyOfGrant() {
  return and(eq(policies.organisationId, grants.organisationId), eq(policies.id, grants.policyId));
}

function ofId(organisationId: string, id: string) {
  return and(eq(credentials.organisationId, organisationId), eq(credentials.id, id));
}
