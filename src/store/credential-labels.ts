/** Labels of credentials by id, for sums over labels. */
import { and, eq } from "drizzle-orm";
import { inList } from "./control-db.ts";
import type { ControlDb } from "./control-db.ts";
import { credentials } from "./control-schema.ts";

export async function credentialLabels(
  db: ControlDb,
  organisationId: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .select({ id: credentials.id, labels: credentials.labels })
    .from(credentials)
    .where(and(eq(credentials.organisationId, organisationId), inList(credentials.id, ids)));
  return new Map(rows.map((row) => [row.id, row.labels]));
}
