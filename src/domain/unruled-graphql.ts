/**
 * GraphQL under a scope that hides members of answers and has no `graphql` rule. A caller could ask for a hidden field under another
 * name (an alias), so whatever a server might take for a GraphQL document is refused there; with a rule, `graphql-rules.ts` judges it.
 *
 * What a server takes is not what the Content-Type says (GitHub reads GraphQL sent as a form), so a body is looked at by how it begins:
 * JSON is read whole, everything else streams on. Not looked into: forms of type multipart/form-data.
 */
import type { BodyHeaders } from "./body-rules.ts";
import { looseName, namesakes } from "./json-path.ts";
import { jsonText, scanJson } from "./json-scan.ts";
import type { JsonNode } from "./json-scan.ts";
import type { Refusal } from "./problem.ts";
import { decodeName, nameOf } from "./query-names.ts";
import type { Scope } from "./scope.ts";

/** Whether GraphQL is refused. False for a scope that hides nothing, which then costs nothing. */
export function refusesGraphql(scope: Scope): boolean {
  return scope.removeResponseMembers.length > 0 && scope.graphql === null;
}

/** Whether the body must be read: by its headers, or by its first bytes. */
export function mustBeRead(headers: BodyHeaders, beginning: Uint8Array | null): boolean {
  if (isCompressed(headers) || /json|urlencoded|graphql/.test(typeOf(headers))) return true;
  return beginning !== null && beginsAsJson(beginning);
}

/** @returns `body_denied` for a body that a server might take for GraphQL */
export function judgeUnruledBody(headers: BodyHeaders, body: Uint8Array): Refusal | null {
  if (body.byteLength === 0) return null;
  if (isCompressed(headers)) return refused(COMPRESSED);
  if (typeOf(headers).includes("graphql")) return refused(NEEDS_RULE);
  if (!mustBeRead(headers, body)) return null;
  const text = new TextDecoder().decode(body);
  if (typeOf(headers).includes("urlencoded") && holdsGraphql(text)) return refused(NEEDS_RULE);
  if (!beginsAsJson(body)) return null;
  const strict = jsonText(body);
  const document = strict.ok ? scanJson(strict.value) : strict;
  if (document.ok) return asksGraphql(document.value) ? refused(NEEDS_RULE) : null;
  // A reader that is less strict may find the member all the same, however it is spelled.
  return /query|\\u/i.test(text.replaceAll("\0", "")) ? refused(UNCLEAR) : null;
}

/** `query`: without "?". */
export function judgeUnruledQuery(query: string): Refusal | null {
  return holdsGraphql(query) ? refused(NEEDS_RULE) : null;
}

const HIDES = "This grant hides members of answers";
const NEEDS_RULE = `${HIDES}, and GraphQL could show them under other names: it needs a graphql rule in the grant.`;
const COMPRESSED = `${HIDES}, so a compressed body cannot be judged; send it as it is.`;
const UNCLEAR = `${HIDES}, and this body names a query in JSON that cannot be read in one way only.`;

function refused(detail: string): Refusal {
  return { code: "body_denied", detail };
}

function isCompressed(headers: BodyHeaders): boolean {
  const coding = headers.contentEncoding?.trim().toLowerCase() ?? "";
  return coding !== "" && coding !== "identity";
}

function typeOf(headers: BodyHeaders): string {
  return (headers.contentType ?? "").toLowerCase();
}

/** Space, NUL and the bytes of byte order marks, which one reader or another passes over. */
const BLANK: ReadonlySet<number> = new Set([0x00, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20, 0xbb, 0xbf, 0xef, 0xfe, 0xff]);
/** `{`, `[`, and `/` for readers that pass over comments. */
const OPENING: ReadonlySet<number> = new Set([0x7b, 0x5b, 0x2f]);

/** Also when nothing but blanks has come yet. */
function beginsAsJson(bytes: Uint8Array): boolean {
  const first = bytes.find((byte) => !BLANK.has(byte));
  return first === undefined || OPENING.has(first);
}

/** One operation, or a list of them. */
function asksGraphql(document: JsonNode): boolean {
  const requests = document.kind === "array" ? document.items : [document];
  return requests.some((request) => {
    const queries = request.kind === "object" ? namesakes(request.members, "query") : [];
    return queries.some(
      ({ value }) => value.kind === "scalar" && typeof value.value === "string" && looksLikeGraphql(value.value),
    );
  });
}

/** Parameters of a query or a form; a piece with a semicolon is read whole and in parts. */
function holdsGraphql(parameters: string): boolean {
  for (const piece of parameters.split("&")) {
    if (!/\{|%(?:25)*7b/i.test(piece)) continue;
    if (piece.includes(";") && piece.split(";").some(isGraphqlParameter)) return true;
    if (isGraphqlParameter(piece)) return true;
  }
  return false;
}

function isGraphqlParameter(piece: string): boolean {
  const written = nameOf(piece);
  const name = decodeName(written) ?? written;
  if (looseName(name.replace(/\[.*$/s, "").trim()) !== "query") return false;
  const value = decodeName(piece.slice(written.length + 1));
  return value === null || looksLikeGraphql(value);
}

/**
 * Whether a text begins as documents with operations begin: with a selection, a keyword or a description. Broader than the grammar, so
 * that no server's parser knows a document which is missed here; `{app="x"}` (LogQL) and `{"match": …}` are none in any.
 */
export function looksLikeGraphql(text: string): boolean {
  return text.includes("{") && BEGINNING.test(text.replace(/#[^\n\r]*/g, " "));
}

const BEGINNING =
  /^[\s,]*(?:"|(?:query|mutation|subscription|fragment)(?!\w)|\{[\s,]*(?:\.\.\.|[_A-Za-z]\w*(?!\w)(?![\s,]*[=!~<>])))/;
