/**
 * Checks an NDJSON export by itself: that no event of a credential is missing, that none was altered, and that the signed
 * heads and the signed statement fit them. Pure; the signature check is an argument. Says what it found, and how far that
 * reaches.
 */
import {
  checkpointMessage,
  GENESIS_HASH,
  verifyChain,
  type ChainCheckpoint,
  type ChainFault,
  type VerifySignature,
} from "./chain.ts";
import type { AuditEvent } from "./event.ts";
import { EXPORT_COLUMNS } from "./export-row.ts";
import {
  digestOver,
  narrowedBy,
  NO_ROWS_DIGEST,
  statementMessage,
  statementOf,
  type ExportStatement,
} from "./export-statement.ts";
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
  /** Members of the filter that leave gaps in the sequences: that none is missing says the signed statement alone. */
  readonly narrowedBy: readonly string[];
}

/**
 * `cut_off`: a signed head says that the credential has later events. `unstated`: the export ends without its signed
 * statement. `statement_differs`: rows were taken out, put in, moved or changed.
 */
export type ExportFault =
  | ChainFault
  | { readonly fault: "malformed"; readonly line: number }
  | { readonly fault: "cut_off"; readonly credentialId: string; readonly seq: number }
  | { readonly fault: "unstated" | "statement_forged" }
  | { readonly fault: "statement_differs"; readonly statedRows: number; readonly rows: number };

export interface ParsedExport {
  readonly events: readonly AuditEvent[];
  readonly checkpoints: readonly ChainCheckpoint[];
  /** The signing key as the export names it; whoever checks should have it from elsewhere. */
  readonly key: { readonly keyId: string; readonly publicKey: string } | null;
  readonly statement: ExportStatement | null;
  /** Over the lines of the events, as `ExportStatement` has it. */
  readonly digest: string;
}

/** Reads the lines; the first that is none of an export ends it. */
export function parseExport(text: string): Result<ParsedExport, ExportFault> {
  const events: AuditEvent[] = [];
  const checkpoints: ChainCheckpoint[] = [];
  let key: ParsedExport["key"] = null;
  let statement: ExportStatement | null = null;
  let digest = NO_ROWS_DIGEST;
  for (const [at, line] of text.split("\n").entries()) {
    if (line === "") continue;
    const members = parseMembers(line);
    if (members === null) return err({ fault: "malformed", line: at + 1 });
    if (isMembers(members["checkpoint"])) checkpoints.push(checkpointOf(members["checkpoint"]));
    else if (isMembers(members["key"])) key = keyOf(members["key"]);
    else if (isMembers(members["export"])) statement = statementOf(members["export"]);
    else if (EXPORT_COLUMNS.every((column) => Object.hasOwn(members, column.name))) {
      events.push(eventOf(members));
      digest = digestOver(digest, [`${line}\n`]);
    } else return err({ fault: "malformed", line: at + 1 });
  }
  return ok({ events, checkpoints, key, statement, digest });
}

/** Checks the statement's signature, each credential's chain, the heads, and the statement's digest; the first fault ends it. */
export async function verifyExport(
  parsed: ParsedExport,
  verify: VerifySignature,
): Promise<Result<ExportReport, ExportFault>> {
  const { statement, events } = parsed;
  if (statement === null) return err({ fault: "unstated" });
  if (!(await verify(statementMessage(statement), statement))) return err({ fault: "statement_forged" });
  const narrowed = narrowedBy(statement.filter);
  const chains = Map.groupBy(events, (event) => event.credentialId);
  const unchained = chains.get(null)?.length ?? 0;
  const heads = Map.groupBy(parsed.checkpoints, (head) => head.credentialId);
  const begunLater: string[] = [];
  let checkpoints = 0;
  for (const credentialId of new Set([...chains.keys(), ...heads.keys()])) {
    if (credentialId === null) continue;
    const ascending = (chains.get(credentialId) ?? []).toSorted((left, right) => left.seq - right.seq);
    const own = heads.get(credentialId) ?? [];
    const checked = await (narrowed.length === 0 ? verifyWhole : verifyPieces)(ascending, own, verify);
    if (!checked.ok) return checked;
    checkpoints += checked.value;
    if (narrowed.length === 0 && ascending[0]?.seq !== 1) begunLater.push(credentialId);
  }
  const rows = events.length;
  if (statement.rows !== rows || statement.digest !== parsed.digest)
    return err({ fault: "statement_differs", statedRows: statement.rows, rows });
  const credentials = chains.size - (unchained > 0 ? 1 : 0);
  return ok({ events: rows, credentials, checkpoints, unchained, begunLater, narrowedBy: narrowed });
}

/** A chain from its first event in the export to its end. Gives the number of heads that fit. */
async function verifyWhole(
  ascending: readonly AuditEvent[],
  heads: readonly ChainCheckpoint[],
  verify: VerifySignature,
): Promise<Result<number, ExportFault>> {
  const start = ascending[0]?.seq === 1 ? GENESIS_HASH : null;
  const checked = await verifyChain(ascending, heads, verify, start);
  if (!checked.ok) return checked;
  const lastSeq = ascending.at(-1)?.seq ?? 0;
  const later = heads.find((head) => head.seq > lastSeq);
  if (later !== undefined) return err({ fault: "cut_off", credentialId: later.credentialId, seq: later.seq });
  return ok(checked.value.checkpoints);
}

/** What a filter left of a chain: each run of consecutive events by itself. */
async function verifyPieces(
  ascending: readonly AuditEvent[],
  heads: readonly ChainCheckpoint[],
  verify: VerifySignature,
): Promise<Result<number, ExportFault>> {
  for (const head of heads) {
    const { credentialId, seq } = head;
    if (!(await verify(checkpointMessage(head), head))) return err({ fault: "checkpoint_forged", credentialId, seq });
  }
  let fits = 0;
  let run: AuditEvent[] = [];
  for (const [at, event] of ascending.entries()) {
    run.push(event);
    if (ascending[at + 1]?.seq === event.seq + 1) continue;
    const among = heads.filter(({ seq }) => seq >= (run[0]?.seq ?? 0) && seq <= event.seq);
    const checked = await verifyChain(run, among, verify, run[0]?.seq === 1 ? GENESIS_HASH : null);
    if (!checked.ok) return checked;
    fits += checked.value.checkpoints;
    run = [];
  }
  return ok(fits);
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
