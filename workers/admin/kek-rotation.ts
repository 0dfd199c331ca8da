/**
 * Moves sealed master keys under the current key-encryption key, a few per run. The secrets themselves are not opened,
 * and nothing that a document is compiled from changes. Once no row names an old key, it can leave the ring.
 */
import { rewrap } from "../../src/cloudflare/envelope.ts";
import type { Keks } from "../../src/cloudflare/envelope.ts";
import type { ControlDb } from "../../src/store/control-db.ts";
import { sealedUnderOtherKek, storeRewrapped } from "../../src/store/connections.ts";

const MAX_REWRAPS_PER_RUN = 100;

/** How many were moved. A row that does not open is left as it is and reported; it keeps no other from moving. */
export async function rewrapOldSecrets(db: ControlDb, keks: Keks): Promise<number> {
  const [current] = keks;
  if (current === undefined) return 0;
  let moved = 0;
  for (const row of await sealedUnderOtherKek(db, current.id, MAX_REWRAPS_PER_RUN)) {
    if (row.location.provider !== "envelope") continue;
    const place = {
      organisationId: row.organisationId,
      connectionId: row.connectionId,
      credentialId: row.id,
      version: row.version,
    };
    try {
      const sealed = await rewrap(row.location.sealed, keks, place);
      await storeRewrapped(db, row, { provider: "envelope", sealed });
      moved += 1;
    } catch (cause) {
      const error = cause instanceof Error ? cause.name : "unknown";
      console.error("secret not rewrapped", { upstreamCredential: row.id, error });
    }
  }
  return moved;
}
