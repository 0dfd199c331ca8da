/** Names under which a connection's object, and a canary's record in it, are found. */

/** Name of a connection's object. */
export function connectionStateName(organisationId: string, connectionId: string): string {
  return `${organisationId}:${connectionId}`;
}

/** A replaced secret begins a new record. */
export function canaryKey(upstreamCredentialId: string, version: number): string {
  return `${upstreamCredentialId}@${version}`;
}
