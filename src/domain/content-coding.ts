/**
 * Content codings (RFC 9110 section 8.4). An answer is searched for the vendor's key, so it must come in a coding that can be
 * read here: vendors are asked for no other, and an answer in another is not passed on.
 */

/** Those that the platform decodes when a script reads a body; it knows them in lower case alone. */
const DECODED: ReadonlySet<string> = new Set(["gzip", "br"]);
/** Written as a coding by vendors and stored files, although nothing was coded (`aws-chunked` ends with the upload). */
const NOT_CODED: ReadonlySet<string> = new Set(["", "identity", "none", "binary", "utf-8", "utf8", "aws-chunked"]);

/** How an answer's bytes reach a script: as the vendor meant them, decoded from `Content-Encoding`, or beyond reading. */
export type BodyCoding = "plain" | "decoded" | "unreadable";

/** `contentEncoding`: the header's value; null: there is none. */
export function bodyCoding(contentEncoding: string | null): BodyCoding {
  const coding = contentEncoding?.trim() ?? "";
  if (DECODED.has(coding)) return "decoded";
  return NOT_CODED.has(coding.toLowerCase()) ? "plain" : "unreadable";
}

/** An `Accept-Encoding` (RFC 9110 section 12.5.3) less all that could not be read; weights stay. */
export function readableCodings(acceptEncoding: string): string {
  const kept = acceptEncoding
    .split(",")
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => {
      const coding = (entry.split(";", 1)[0] ?? "").trim();
      return coding === "identity" || DECODED.has(coding);
    });
  return kept.length === 0 ? "identity" : kept.join(", ");
}

const CHARSET = /;[\t ]*charset[\t ]*=[\t ]*(?:"(?:[^"\\]|\\.)*"?|[^",;]*)/gi;

/**
 * An `Accept` (RFC 9110 section 12.5.1) less the charsets: some frameworks answer in the one that is asked for, and a key in
 * another than UTF-8 reads differently.
 */
export function withoutCharsets(accept: string): string {
  return accept.includes("=") ? accept.replace(CHARSET, "") : accept;
}
