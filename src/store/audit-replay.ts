/** Past calls for dry runs and suggestions, page by page or counted by method and path. Always within one organisation. */
import type { ReplayCall } from "../domain/replay-judge.ts";

const PAGE_ROWS = 2_000;
const MAX_PATHS = 20_000;

export interface ReplayQuery {
  readonly organisationId: string;
  readonly credentialIds: readonly string[];
  readonly grantIds: readonly string[];
  readonly fromMs: number;
}

/** Those of the credentials that were used since then. */
export async function usedCredentials(
  database: D1Database,
  query: Omit<ReplayQuery, "grantIds">,
): Promise<readonly string[]> {
  const { results } = await database
    .prepare(
      `SELECT value AS id FROM json_each(?1) WHERE EXISTS (
         SELECT 1 FROM audit_events WHERE organisation_id = ?2 AND credential_id = value AND at_ms >= ?3)`,
    )
    .bind(JSON.stringify(query.credentialIds), query.organisationId, query.fromMs)
    .all<{ id: string }>();
  return results.map((row) => row.id);
}

/** Where a page of one credential's calls ends. */
export interface ReplayPlace {
  readonly atMs: number;
  readonly n: number;
}

/** One page of a credential's calls under these grants, oldest first, after a place. An empty page is the last. */
export async function replayCalls(
  database: D1Database,
  query: { readonly organisationId: string; readonly credentialId: string; readonly grantIds: readonly string[] },
  after: ReplayPlace,
): Promise<readonly (ReplayCall & { readonly n: number })[]> {
  const { results } = await database
    .prepare(
      `SELECT n, id, grant_id AS grantId, method, path, decision, reason, bytes_in AS bytesIn, count, at_ms AS atMs
       FROM audit_events INDEXED BY audit_events_by_credential
       WHERE organisation_id = ?1 AND credential_id = ?2 AND at_ms >= ?3 AND (at_ms > ?3 OR n > ?4)
         AND grant_id IN (SELECT value FROM json_each(?5))
       ORDER BY at_ms, n LIMIT ?6`,
    )
    .bind(query.organisationId, query.credentialId, after.atMs, after.n, JSON.stringify(query.grantIds), PAGE_ROWS)
    .all<ReplayCall & { n: number }>();
  return results;
}

export interface UsedPath {
  readonly connectionId: string;
  readonly method: string;
  readonly path: string;
  readonly calls: number;
}

/** What these credentials were allowed to call, most used first. One row more than `MAX_PATHS` tells that there is more. */
export async function usedPaths(
  database: D1Database,
  query: Omit<ReplayQuery, "grantIds"> & { readonly grantIds: readonly string[] | null },
): Promise<{ readonly paths: readonly UsedPath[]; readonly complete: boolean }> {
  const { results } = await database
    .prepare(
      `SELECT connection_id AS connectionId, method, path, sum(count) AS calls FROM audit_events
       WHERE credential_id IN (SELECT value FROM json_each(?1)) AND organisation_id = ?2 AND at_ms >= ?3
         AND decision = 'allowed' AND connection_id IS NOT NULL
         AND (?4 IS NULL OR grant_id IN (SELECT value FROM json_each(?4)))
       GROUP BY connection_id, method, path ORDER BY calls DESC, path LIMIT ?5`,
    )
    .bind(
      JSON.stringify(query.credentialIds),
      query.organisationId,
      query.fromMs,
      query.grantIds === null ? null : JSON.stringify(query.grantIds),
      MAX_PATHS + 1,
    )
    .all<UsedPath>();
  return { paths: results.slice(0, MAX_PATHS), complete: results.length <= MAX_PATHS };
}
