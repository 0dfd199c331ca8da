/**
 * Identifiers: a prefix that says what is meant, and 80 random bits in Crockford's base 32 (lower case, without i, l, o, u).
 * Ids are names, never secrets. A connection's id may be chosen by the client.
 */
const CROCKFORD_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz";
const ID_CHARS = 16;
/** Random bytes that `newId` uses: 16 characters of 5 bits. */
export const ID_RANDOM_BYTES = 10;
/** Whole bytes of the time in an id that begins with it; half a byte follows. */
const TIME_BYTES = 5;

/** One organisation exists from the start, with a fixed id. */
export const DEFAULT_ORGANISATION_ID = "org_default";

/** `prefix_` and 16 characters from the first ten of `randomBytes`; throws when there are fewer. */
export function newId(prefix: string, randomBytes: Uint8Array): string {
  if (randomBytes.length < ID_RANDOM_BYTES) throw new RangeError(`too few random bytes: ${randomBytes.length}`);
  let text = `${prefix}_`;
  let held = 0;
  let heldBits = 0;
  for (const byte of randomBytes.subarray(0, ID_RANDOM_BYTES)) {
    held = (held << 8) | byte;
    heldBits += 8;
    while (heldBits >= 5) {
      heldBits -= 5;
      text += CROCKFORD_DIGITS.charAt((held >> heldBits) & 31);
    }
    held &= (1 << heldBits) - 1;
  }
  return text;
}

/**
 * An id that begins with its time: 44 bits of milliseconds (until the year 2527), then 36 bits of the others' last bytes.
 * Ids of events and requests are such, so that an index on millions of them grows at its end instead of everywhere.
 */
export function newTimedId(prefix: string, atMs: number, randomBytes: Uint8Array): string {
  if (randomBytes.length < ID_RANDOM_BYTES) throw new RangeError(`too few random bytes: ${randomBytes.length}`);
  const bytes = randomBytes.slice(0, ID_RANDOM_BYTES);
  let rest = Math.floor(atMs / 16);
  for (let at = TIME_BYTES - 1; at >= 0; at--) {
    bytes[at] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  bytes[TIME_BYTES] = ((atMs % 16) << 4) | ((bytes[TIME_BYTES] ?? 0) & 15);
  return newId(prefix, bytes);
}

/** Whether the text is an id of that kind. Ids that a client may choose (`conn`) have their wider form. */
export function isId(prefix: string, text: string): boolean {
  if (prefix === "conn") return CONNECTION_ID.test(text);
  if (prefix === "org" && text === DEFAULT_ORGANISATION_ID) return true;
  if (text.length !== prefix.length + 1 + ID_CHARS || !text.startsWith(`${prefix}_`)) return false;
  for (let at = prefix.length + 1; at < text.length; at++) {
    if (!CROCKFORD_DIGITS.includes(text.charAt(at))) return false;
  }
  return true;
}

const CONNECTION_ID = /^conn_[a-z0-9][a-z0-9_-]{0,47}$/;

/**
 * The connection that a route's partner names: its id with or without `conn_`. Null when it can be no connection's id.
 * An id that itself starts with `conn_conn_` must be given in full.
 */
export function connectionIdFromPartner(partner: string): string | null {
  const id = partner.startsWith("conn_") ? partner : `conn_${partner}`;
  return CONNECTION_ID.test(id) ? id : null;
}
