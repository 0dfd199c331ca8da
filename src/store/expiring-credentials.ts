/** Live credentials whose end comes near and whose recipient can be written to. */
import { and, asc, eq, gt, isNotNull, lte } from "drizzle-orm";
import type { ControlDb } from "./control-db.ts";
import { credentials, recipients } from "./control-schema.ts";

export interface ExpiringCredential {
  readonly id: string;
  readonly name: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly email: string;
}

/** Expiry in `(afterMs, upToMs]`, soonest first. */
export async function expiringCredentials(
  db: ControlDb,
  afterMs: number,
  upToMs: number,
  limit: number,
): Promise<readonly ExpiringCredential[]> {
  const rows = await db
    .select({
      id: credentials.id,
      name: credentials.name,
      createdAtMs: credentials.createdAtMs,
      expiresAtMs: credentials.expiresAtMs,
      email: recipients.email,
    })
    .from(credentials)
    .innerJoin(
      recipients,
      and(eq(recipients.organisationId, credentials.organisationId), eq(recipients.id, credentials.recipientId)),
    )
    .where(
      and(
        eq(credentials.status, "active"),
        gt(credentials.expiresAtMs, afterMs),
        lte(credentials.expiresAtMs, upToMs),
        isNotNull(recipients.email),
      ),
    )
    .orderBy(asc(credentials.expiresAtMs), asc(credentials.id))
    .limit(limit);
  return rows.flatMap(({ expiresAtMs, email, ...rest }) =>
    expiresAtMs === null || email === null ? [] : [{ ...rest, expiresAtMs, email }],
  );
}
