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

/** One page of calls of these grants after a row number; ascending. An empty page is the last. */
export async function replayCalls(
  database: D1Database,
  query: ReplayQuery,
  afterN: number,
): Promise<readonly (ReplayCall & { readonly n: number })[]> {
  const { results } = await database
    .prepare(
      `SELECT n, id, grant_id AS grantId, method, path, decision, reason, bytes_in AS bytesIn, count, at_ms AS atMs
       FROM audit_events
       WHERE credential_id IN (SELECT value FROM json_each(?1)) AND grant_id IN (SELECT value FROM json_each(?2))
         AND organisation_id = ?3 AND at_ms >= ?4 AND n > ?5
       ORDER BY n LIMIT ?6`,
    )
    .bind(
      JSON.stringify(query.credentialIds),
      JSON.stringify(query.grantIds),
      query.organisationId,
      query.fromMs,
      afterN,
      PAGE_ROWS,
    )
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
