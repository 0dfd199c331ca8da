/**
 * The hash chain over one credential's audit events, and its verifier. Pure; the signature check is an argument.
 *
 * An event's hash is SHA-256 over the JSON array of its members in the order of `EventTuple`, from `organisationId` to
 * `prevHash`. Its id follows from time and hash, so none can be changed alone. The first event follows `GENESIS_HASH`.
 * A checkpoint is a signature over (credential, seq, hash, time, key id): whoever rewrites a chain and all its hashes
 * still cannot sign the new heads.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { encodeHex, utf8 } from "./encoding.ts";
import type { AuditEvent } from "./event.ts";
import { newTimedId } from "./ids.ts";
import type { Result } from "./result.ts";
import { err, ok } from "./result.ts";

export const GENESIS_HASH = "0".repeat(64);

/** An event as it is hashed, queued and inserted: members in a fixed order; `notes` as canonical JSON. */
export type EventTuple = readonly [
  organisationId: string,
  credentialId: string | null,
  seq: number,
  admission: number,
  atMs: number,
  recipientId: string | null,
  connectionId: string | null,
  grantId: string | null,
  customer: string | null,
  environment: string | null,
  method: string,
  path: string,
  operation: string | null,
  decision: "allowed" | "denied",
  reason: string,
  status: number | null,
  upstreamStatus: number | null,
  attempts: number,
  latencyMs: number | null,
  upstreamMs: number | null,
  bytesIn: number | null,
  bytesOut: number | null,
  costUsdMicros: number | null,
  address: string | null,
  userAgent: string,
  requestId: string,
  upstreamCredentialId: string | null,
  count: number,
  notes: string,
  prevHash: string,
  hash: string,
  id: string,
];

/** Positions that other code reads without unpacking the whole event. */
export const EVENT_SEQ = 2;
const EVENT_AT_MS = 4;
export const EVENT_HASH = 30;

/** Everything of an event but its hash and id. */
export type EventBody = EventTuple extends readonly [...infer Body, string, string] ? Body : never;

/** Closes the body with its hash and the id that follows from time and hash. */
export function sealEvent(body: EventBody): EventTuple {
  const digest = sha256(utf8(JSON.stringify(body)));
  return [...body, encodeHex(digest), newTimedId("evt", body[EVENT_AT_MS], digest)];
}

export function eventFromTuple(tuple: EventTuple): AuditEvent {
  return {
    organisationId: tuple[0],
    credentialId: tuple[1],
    seq: tuple[2],
    admission: tuple[3],
    atMs: tuple[4],
    recipientId: tuple[5],
    connectionId: tuple[6],
    grantId: tuple[7],
    customer: tuple[8],
    environment: tuple[9],
    method: tuple[10],
    path: tuple[11],
    operation: tuple[12],
    decision: tuple[13],
    reason: tuple[14],
    status: tuple[15],
    upstreamStatus: tuple[16],
    attempts: tuple[17],
    latencyMs: tuple[18],
    upstreamMs: tuple[19],
    bytesIn: tuple[20],
    bytesOut: tuple[21],
    costUsdMicros: tuple[22],
    address: tuple[23],
    userAgent: tuple[24],
    requestId: tuple[25],
    upstreamCredentialId: tuple[26],
    count: tuple[27],
    notes: JSON.parse(tuple[28]) as Readonly<Record<string, unknown>>,
    prevHash: tuple[29],
    hash: tuple[30],
    id: tuple[31],
  };
}

/** The part of an event that its hash covers. */
export function eventBody(event: AuditEvent): EventBody {
  return [
    event.organisationId,
    event.credentialId,
    event.seq,
    event.admission,
    event.atMs,
    event.recipientId,
    event.connectionId,
    event.grantId,
    event.customer,
    event.environment,
    event.method,
    event.path,
    event.operation,
    event.decision,
    event.reason,
    event.status,
    event.upstreamStatus,
    event.attempts,
    event.latencyMs,
    event.upstreamMs,
    event.bytesIn,
    event.bytesOut,
    event.costUsdMicros,
    event.address,
    event.userAgent,
    event.requestId,
    event.upstreamCredentialId,
    event.count,
    canonicalJson(event.notes),
    event.prevHash,
  ];
}

/** A signed head of one credential's chain. `signature` is Ed25519 over `checkpointMessage`, base64url. */
export interface ChainCheckpoint {
  readonly credentialId: string;
  readonly seq: number;
  readonly hash: string;
  readonly atMs: number;
  readonly keyId: string;
  readonly signature: string;
}

export function checkpointMessage(checkpoint: Omit<ChainCheckpoint, "signature">): Uint8Array {
  const { credentialId, seq, hash, atMs, keyId } = checkpoint;
  return utf8(JSON.stringify(["relaykey/checkpoint/v1", credentialId, seq, hash, atMs, keyId]));
}

export type ChainFault =
  | { readonly fault: "gap"; readonly credentialId: string | null; readonly expectedSeq: number; readonly seq: number }
  | { readonly fault: "altered" | "unlinked"; readonly credentialId: string | null; readonly seq: number }
  | { readonly fault: "checkpoint_forged" | "checkpoint_differs"; readonly credentialId: string; readonly seq: number };

/** Whether the signature is over `message`, by the key that is trusted. */
export type VerifySignature = (message: Uint8Array, signed: { readonly signature: string }) => Promise<boolean>;

/**
 * Checks one credential's events (ascending, without a gap) and every checkpoint that falls among them.
 * `startHash` is the hash before the first event: `GENESIS_HASH` when that event has seq 1, or null when the export
 * begins later and the link to what came before is not to be checked.
 */
export async function verifyChain(
  events: readonly AuditEvent[],
  checkpoints: readonly ChainCheckpoint[],
  verify: VerifySignature,
  startHash: string | null = GENESIS_HASH,
): Promise<Result<{ readonly events: number; readonly checkpoints: number }, ChainFault>> {
  const hashes = new Map<number, string>();
  let prevHash = startHash;
  let expectedSeq = startHash === GENESIS_HASH ? 1 : (events[0]?.seq ?? 0);
  for (const event of events) {
    const { credentialId, seq } = event;
    if (seq !== expectedSeq) return err({ fault: "gap", credentialId, expectedSeq, seq });
    if (prevHash !== null && event.prevHash !== prevHash) return err({ fault: "unlinked", credentialId, seq });
    const sealed = sealEvent(eventBody(event));
    if (sealed[EVENT_HASH] !== event.hash || sealed[31] !== event.id)
      return err({ fault: "altered", credentialId, seq });
    hashes.set(seq, event.hash);
    prevHash = event.hash;
    expectedSeq += 1;
  }
  let checked = 0;
  for (const checkpoint of checkpoints) {
    const { credentialId, seq } = checkpoint;
    if (!(await verify(checkpointMessage(checkpoint), checkpoint))) {
      return err({ fault: "checkpoint_forged", credentialId, seq });
    }
    const hash = hashes.get(seq);
    if (hash === undefined) continue;
    if (hash !== checkpoint.hash) return err({ fault: "checkpoint_differs", credentialId, seq });
    checked += 1;
  }
  return ok({ events: events.length, checkpoints: checked });
}

/** JSON with the members of every object in code-unit order (RFC 8785 §3.2.3), so that equal values have one text. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const members: string[] = [];
    const record: Readonly<Record<string, unknown>> = { ...value };
    for (const name of Object.keys(record).sort()) {
      const member = record[name];
      if (member !== undefined) members.push(`${JSON.stringify(name)}:${canonicalJson(member)}`);
    }
    return `{${members.join(",")}}`;
  }
  return JSON.stringify(value ?? null);
}
