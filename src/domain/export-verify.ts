/**
 * Checks an NDJSON export by itself: that no event of a credential is missing, that none was altered, and that the signed
 * heads among them fit. Pure; the signature check is an argument. Says what it found, and how far that reaches.
 */
import { GENESIS_HASH, verifyChain, type ChainCheckpoint, type ChainFault } from "./chain.ts";
import type { AuditEvent } from "./event.ts";
import { EXPORT_COLUMNS } from "./export-row.ts";
import { err, ok, type Result } from "./result.ts";

export interface ExportReport {
  readonly events: number;
  readonly credentials: number;
  /** Signed heads that fit an event of the export. */
  readonly checkpoints: number;
  /** Refusals before authentication: they belong to no credential and have no chain. */
  readonly unchained: number;
  /** Credentials whose first events are not in the export, so that the link to what came before is not checked. */
  readonly begunLater: readonly string[];
}

export type ExportFault = ChainFault | { readonly fault: "malformed"; readonly line: number };

export interface ParsedExport {
  readonly events: readonly AuditEvent[];
  readonly checkpoints: readonly ChainCheckpoint[];
  /** The signing key as the export names it; whoever checks should have it from elsewhere. */
  readonly key: { readonly keyId: string; readonly publicKey: string } | null;
}

/** Reads the lines; the first that is none of an export ends it. */
export function parseExport(text: string): Result<ParsedExport, ExportFault> {
  const events: AuditEvent[] = [];
  const checkpoints: ChainCheckpoint[] = [];
  let key: ParsedExport["key"] = null;
  for (const [at, line] of text.split("\n").entries()) {
    if (line === "") continue;
    const members = parseMembers(line);
    if (members === null) return err({ fault: "malformed", line: at + 1 });
    if (isMembers(members["checkpoint"])) checkpoints.push(checkpointOf(members["checkpoint"]));
    else if (isMembers(members["key"])) key = keyOf(members["key"]);
    else if (EXPORT_COLUMNS.every((column) => Object.hasOwn(members, column.name))) events.push(eventOf(members));
    else return err({ fault: "malformed", line: at + 1 });
  }
  return ok({ events, checkpoints, key });
}

/** Checks each credential's chain; the first fault ends it. */
export async function verifyExport(
  parsed: ParsedExport,
  verify: (message: Uint8Array, checkpoint: ChainCheckpoint) => Promise<boolean>,
): Promise<Result<ExportReport, ExportFault>> {
  const chains = new Map<string, AuditEvent[]>();
  let unchained = 0;
  for (const event of parsed.events) {
    if (event.credentialId === null) unchained += 1;
    else {
      const chain = chains.get(event.credentialId);
      if (chain === undefined) chains.set(event.credentialId, [event]);
      else chain.push(event);
    }
  }
  const begunLater: string[] = [];
  let checkpoints = 0;
  for (const [credentialId, events] of chains) {
    const ascending = events.toSorted((left, right) => left.seq - right.seq);
    const whole = ascending[0]?.seq === 1;
    if (!whole) begunLater.push(credentialId);
    const heads = parsed.checkpoints.filter((head) => head.credentialId === credentialId);
    const checked = await verifyChain(ascending, heads, verify, whole ? GENESIS_HASH : null);
    if (!checked.ok) return checked;
    checkpoints += checked.value.checkpoints;
  }
  return ok({ events: parsed.events.length, credentials: chains.size, checkpoints, unchained, begunLater });
}

type Members = Readonly<Record<string, unknown>>;

function parseMembers(line: string): Members | null {
  try {
    const value: unknown = JSON.parse(line);
    return isMembers(value) ? value : null;
  } catch {
    return null;
  }
}

function isMembers(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A member of another type becomes another value and so another hash: it is found as altered. */
function eventOf(members: Members): AuditEvent {
  const text = (name: string): string => String(members[name]);
  const optional = (name: string): string | null => (members[name] === null ? null : text(name));
  const count = (name: string): number => Number(members[name]);
  const optionalCount = (name: string): number | null => (members[name] === null ? null : count(name));
  return {
    id: text("id"),
    organisationId: text("organisation_id"),
    credentialId: optional("credential_id"),
    seq: count("seq"),
    admission: count("admission"),
    atMs: Date.parse(text("at")),
    recipientId: optional("recipient_id"),
    connectionId: optional("connection_id"),
    grantId: optional("grant_id"),
    customer: optional("customer"),
    environment: optional("environment"),
    method: text("method"),
    path: text("path"),
    operation: optional("operation"),
    decision: text("decision") === "allowed" ? "allowed" : "denied",
    reason: text("reason"),
    status: optionalCount("status"),
    upstreamStatus: optionalCount("upstream_status"),
    attempts: count("attempts"),
    latencyMs: optionalCount("latency_ms"),
    upstreamMs: optionalCount("upstream_ms"),
    bytesIn: optionalCount("bytes_in"),
    bytesOut: optionalCount("bytes_out"),
    costUsdMicros: optionalCount("cost_usd_micros"),
    address: optional("address"),
    userAgent: text("user_agent"),
    requestId: text("request_id"),
    upstreamCredentialId: optional("upstream_credential_id"),
    count: count("count"),
    notes: isMembers(members["notes"]) ? members["notes"] : {},
    prevHash: text("prev_hash"),
    hash: text("hash"),
  };
}

function checkpointOf(members: Members): ChainCheckpoint {
  const text = (name: string): string => String(members[name] ?? "");
  return {
    credentialId: text("credential_id"),
    seq: Number(members["seq"]),
    hash: text("hash"),
    atMs: Number(members["at_ms"]),
    keyId: text("key_id"),
    signature: text("signature"),
  };
}

function keyOf(members: Members): ParsedExport["key"] {
  return { keyId: String(members["key_id"] ?? ""), publicKey: String(members["public_key"] ?? "") };
}
