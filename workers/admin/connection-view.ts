/** Connections and upstream credentials as answers show them. Of a secret, `last4` at most. */
import { fromConnectionSettings } from "../../src/contract/connection.ts";
import type { Connection } from "../../src/contract/connection.ts";
import { wireTime } from "../../src/contract/fields.ts";
import { fromLocation } from "../../src/contract/upstream-credential.ts";
import type { UpstreamCredential } from "../../src/contract/upstream-credential.ts";
import type { ConnectionRow, UpstreamCredentialRow } from "../../src/store/connections.ts";
import { AuthWire } from "../../src/contract/auth.ts";

export function connectionView(row: ConnectionRow, upstream: readonly UpstreamCredentialRow[]): Connection {
  return {
    id: row.id,
    name: row.name,
    status: row.status,
    vendor: row.vendor,
    base_url: row.baseUrl,
    environment: row.environment,
    // Parsed rather than cast: what is stored is the same form, and copies make it mutable.
    auth: AuthWire.parse(row.auth),
    ...fromConnectionSettings(row.settings),
    upstream_credentials: upstream.filter((each) => each.connectionId === row.id).map(upstreamCredentialView),
    created_by: row.createdBy,
    created_at: wireTime(row.createdAtMs),
    updated_at: wireTime(row.updatedAtMs),
  };
}

export function upstreamCredentialView(row: UpstreamCredentialRow): UpstreamCredential {
  const location = fromLocation(row.location);
  return {
    id: row.id,
    connection_id: row.connectionId,
    name: row.name,
    status: row.state,
    last4: row.last4,
    version: row.version,
    environment: row.environment,
    priority: row.priority,
    weight: row.weight,
    canary_share: row.state === "canary" ? row.canaryShare : null,
    replaces_id: row.replacesId,
    provider: row.location.provider,
    ...(location === null ? {} : { location }),
    created_by: row.createdBy,
    created_at: wireTime(row.createdAtMs),
    updated_at: wireTime(row.updatedAtMs),
    rotated_at: wireTime(row.rotatedAtMs),
  };
}
