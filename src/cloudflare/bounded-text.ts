/**
 * What third parties answer to RelayKey's own requests (logins, key sets, secrets, facilitators) as text, within a bound
 * of size. The time is bounded by the request's signal, which ends the reading of the body as well.
 */
import { declaredLength } from "../domain/header-map.ts";

/** Null when it is longer than `maxBytes`; the rest is then cancelled. Throws when it breaks off. */
export async function boundedText(response: Response, maxBytes: number): Promise<string | null> {
  if (isKnownShort(response.headers, maxBytes)) return response.text();
  const body: ReadableStream<Uint8Array> | null = response.body;
  if (body === null) return "";
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.byteLength;
    if (bytes > maxBytes) {
      await reader.cancel();
      return null;
    }
    text += decoder.decode(value, { stream: true });
  }
}

/** The platform keeps to the length that is told, and reads such a body in one go; what is compressed may be longer. */
function isKnownShort(headers: Headers, maxBytes: number): boolean {
  if (headers.has("content-encoding") || headers.has("transfer-encoding")) return false;
  const told = declaredLength(headers);
  return told !== null && told <= maxBytes;
}
