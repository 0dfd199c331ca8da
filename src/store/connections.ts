/** Connections and their upstream credentials. Secrets are sealed before they come here. */
import { and, asc, count, eq, exists, notExists, sql } from "drizzle-orm";
import { afterPosition, failBatchIf, inList, newestFirst } from "./control-db.ts";
import type { ControlDb, PageRequest, Statement } from "./control-db.ts";
import { connections, grants, upstreamCredentials } from "./control-schema.ts";

export type ConnectionRow = typeof connections.$inferSelect;
export type UpstreamCredentialRow = typeof upstreamCredentials.$inferSelect;

export async function findConnection(db: ControlDb, organisationId: string, id: string): Promise<ConnectionRow | null> {
  const [found] = await db.select().from(connections).where(ofConnection(organisationId, id));
  return found ?? null;
}

export async function findConnections(
  db: ControlDb,
  organisationId: string,
  ids: readonly string[],
): Promise<ConnectionRow[]> {
  return db
    .select()
    .from(connections)
    .where(and(eq(connections.organisationId, organisationId), inList(connections.id, ids)));
}

export function listConnections(
  db: ControlDb,
  organisationId: string,
  filter: { readonly environment?: string | undefined; readonly vendor?: string | undefined },
  page: PageRequest,
): Promise<ConnectionRow[]> {
  return db
    .select()
    .from(connections)
    .where(
      and(
        eq(connections.organisationId, organisationId),
        filter.environment === undefined ? undefined : eq(connections.environment, filter.environment),
        filter.vendor === undefined ? undefined : eq(connections.vendor, filter.vendor),
        afterPosition(connections.createdAtMs, connections.id, page),
      ),
    )
    .orderBy(...newestFirst(connections.createdAtMs, connections.id))
    .limit(page.limit + 1);
}

export async function countConnections(db: ControlDb, organisationId: string): Promise<number> {
  const [row] = await db.select({ n: count() }).from(connections).where(eq(connections.organisationId, organisationId));
  return row?.n ?? 0;
}

/**
 * A new connection. What was left behind under its id by a change that raced the deletion of an earlier connection is
 * cleared away first, so that nothing is granted that nobody granted. When the id is taken the whole batch fails.
 */
export function insertConnection(db: ControlDb, row: ConnectionRow): Statement[] {
  return [...deleteBelow(db, row.organisationId, row.id), db.insert(connections).values(row)];
}

/** Fails its batch when there are so many connections already. */
export function guardConnections(db: ControlDb, organisationId: string, max: number): Statement {
  const present = db.select({ n: count() }).from(connections).where(eq(connections.organisationId, organisationId));
  return failBatchIf(db, sql`(${present}) >= ${max}`);
}

/** Fails its batch when the connection's settings, its host or its scheme were changed since they were read. */
export function guardSettings(db: ControlDb, row: ConnectionRow): Statement {
  const same = [
    eq(connections.settings, row.settings),
    eq(connections.auth, row.auth),
    eq(connections.baseUrl, row.baseUrl),
  ];
  const read = db
    .select({ id: connections.id })
    .from(connections)
    .where(and(ofConnection(row.organisationId, row.id), ...same));
  return failBatchIf(db, notExists(read));
}

/** Fails its batch when the connection has a master key: what is done to it was allowed because it had none. */
export function guardKeyless(db: ControlDb, organisationId: string, connectionId: string): Statement {
  const ofIt = eq(upstreamCredentials.connectionId, connectionId);
  const stored = db
    .select({ id: upstreamCredentials.id })
    .from(upstreamCredentials)
    .where(and(eq(upstreamCredentials.organisationId, organisationId), ofIt));
  return failBatchIf(db, exists(stored));
}

export function updateConnection(
  db: ControlDb,
  organisationId: string,
  id: string,
  change: Partial<Omit<ConnectionRow, "id" | "organisationId">>,
): Statement {
  return db.update(connections).set(change).where(ofConnection(organisationId, id));
}

/** The connection with its sealed secrets and every grant to it. Versions must be raised before, in the same batch. */
export function deleteConnection(db: ControlDb, organisationId: string, id: string): Statement[] {
  return [...deleteBelow(db, organisationId, id), db.delete(connections).where(ofConnection(organisationId, id))];
}

function deleteBelow(db: ControlDb, organisationId: string, id: string): Statement[] {
  return [
    db.delete(grants).where(and(eq(grants.organisationId, organisationId), eq(grants.connectionId, id))),
    db
      .delete(upstreamCredentials)
      .where(and(eq(upstreamCredentials.organisationId, organisationId), eq(upstreamCredentials.connectionId, id))),
  ];
}

/** Of several connections, in the order in which they are tried. */
export function upstreamCredentialsOf(
  db: ControlDb,
  organisationId: string,
  connectionIds: readonly string[],
): Promise<UpstreamCredentialRow[]> {
  return db
    .select()
    .from(upstreamCredentials)
    .where(
      and(
        eq(upstreamCredentials.organisationId, organisationId),
        inList(upstreamCredentials.connectionId, connectionIds),
      ),
    )
    .orderBy(asc(upstreamCredentials.priority), asc(upstreamCredentials.createdAtMs), asc(upstreamCredentials.id));
}

export function listUpstreamCredentials(
  db: ControlDb,
  organisationId: string,
  connectionId: string | undefined,
  page: PageRequest,
): Promise<UpstreamCredentialRow[]> {
  return db
    .select()
    .from(upstreamCredentials)
    .where(
      and(
        eq(upstreamCredentials.organisationId, organisationId),
        connectionId === undefined ? undefined : eq(upstreamCredentials.connectionId, connectionId),
        afterPosition(upstreamCredentials.createdAtMs, upstreamCredentials.id, page),
      ),
    )
    .orderBy(...newestFirst(upstreamCredentials.createdAtMs, upstreamCredentials.id))
    .limit(page.limit + 1);
}

export async function findUpstreamCredential(
  db: ControlDb,
  organisationId: string,
  id: string,
): Promise<UpstreamCredentialRow | null> {
  const [found] = await db.select().from(upstreamCredentials).where(ofUpstreamCredential(organisationId, id));
  return found ?? null;
}

export function insertUpstreamCredential(db: ControlDb, row: UpstreamCredentialRow): Statement {
  return db.insert(upstreamCredentials).values(row);
}

export function updateUpstreamCredential(
  db: ControlDb,
  organisationId: string,
  id: string,
  change: Partial<Omit<UpstreamCredentialRow, "id" | "organisationId" | "connectionId">>,
): Statement {
  return db.update(upstreamCredentials).set(change).where(ofUpstreamCredential(organisationId, id));
}

export function deleteUpstreamCredential(db: ControlDb, organisationId: string, id: string): Statement {
  return db.delete(upstreamCredentials).where(ofUpstreamCredential(organisationId, id));
}

/** For the cron: sealed secrets of all organisations whose data key is wrapped under another than the current KEK. */
export function sealedUnderOtherKek(
  db: ControlDb,
  currentKekId: string,
  limit: number,
): Promise<UpstreamCredentialRow[]> {
  const provider = sql`json_extract(${upstreamCredentials.location}, '$.provider')`;
  const kekId = sql`json_extract(${upstreamCredentials.location}, '$.sealed.kekId')`;
  return db
    .select()
    .from(upstreamCredentials)
    .where(and(sql`${provider} = 'envelope'`, sql`${kekId} <> ${currentKekId}`))
    .limit(limit);
}

/** Puts the rewrapped form of the same secret in place, unless the secret was replaced in the meantime. */
export async function storeRewrapped(
  db: ControlDb,
  row: Pick<UpstreamCredentialRow, "organisationId" | "id" | "version">,
  location: UpstreamCredentialRow["location"],
): Promise<void> {
  await db
    .update(upstreamCredentials)
    .set({ location })
    .where(and(ofUpstreamCredential(row.organisationId, row.id), eq(upstreamCredentials.version, row.version)));
}

function ofConnection(organisationId: string, id: string) {
  return and(eq(connections.organisationId, organisationId), eq(connections.id, id));
}

function ofUpstreamCredential(organisationId: string, id: string) {
  return and(eq(upstreamCredentials.organisationId, organisationId), eq(upstreamCredentials.id, id));
}
