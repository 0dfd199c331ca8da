/**
 * The signed statement at the end of an NDJSON export: by what it was filtered, and a digest over all of its rows. Whoever
 * takes a row out, puts one in or changes one cannot sign the statement anew. Pure; the signature is made elsewhere.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { canonicalJson } from "./chain.ts";
import { encodeHex, utf8 } from "./encoding.ts";

/** Before the first row. */
export const NO_ROWS_DIGEST = "0".repeat(64);

export interface ExportStatement {
  readonly organisationId: string;
  /** As it was asked for; members that were left out are not there. */
  readonly filter: Readonly<Record<string, unknown>>;
  readonly rows: number;
  /** `digestOver` all rows, in their order. */
  readonly digest: string;
  readonly keyId: string;
  /** Ed25519 over `statementMessage`, base64url. */
  readonly signature: string;
}

/** Goes on from `digest` over rows, each as its line of the file: SHA-256 of the digest before it and the line, in hex. */
export function digestOver(digest: string, lines: readonly string[]): string {
  return lines.reduce((before, line) => encodeHex(sha256(utf8(before + line))), digest);
}

export function statementMessage(statement: Omit<ExportStatement, "signature">): Uint8Array {
  const { organisationId, filter, rows, digest, keyId } = statement;
  const signed = ["relaykey/export/v1", organisationId, canonicalJson(filter), rows, digest, keyId];
  return utf8(JSON.stringify(signed));
}

/** The line of the file that holds it. */
export function statementLine(statement: ExportStatement): string {
  const { organisationId, filter, rows, digest, keyId, signature } = statement;
  const members = { organisation_id: organisationId, filter, rows, digest };
  return `${JSON.stringify({ export: { ...members, key_id: keyId, signature } })}\n`;
}

/** The members of that line; one of another type becomes another value, which nobody has signed. */
export function statementOf(members: Readonly<Record<string, unknown>>): ExportStatement {
  const text = (name: string): string => String(members[name] ?? "");
  const filter = members["filter"];
  return {
    organisationId: text("organisation_id"),
    filter: typeof filter === "object" && filter !== null ? { ...filter } : {},
    rows: Number(members["rows"]),
    digest: text("digest"),
    keyId: text("key_id"),
    signature: text("signature"),
  };
}

/** Members of the filter with which sequence numbers have gaps: all but the credential's. */
export function narrowedBy(filter: ExportStatement["filter"]): readonly string[] {
  return Object.keys(filter).filter((name) => name !== "credential_id" && filter[name] !== undefined);
}
