/**
 * A file of unknown length into R2, part by part: parts of equal size, as R2 wants them. Holds one part in memory, and goes
 * on where an earlier writer stopped. What is in no finished part is lost with the writer, so whoever writes must be able to
 * give those bytes again.
 */
import { encodeHex } from "../domain/encoding.ts";

/** R2 takes parts of at least 5 MiB, all of one size but the last, at most 10,000. */
export const PART_BYTES = 8 * 1024 * 1024;

export class PartWriter {
  readonly #upload: R2MultipartUpload;
  readonly #parts: R2UploadedPart[];
  #held = new Uint8Array(PART_BYTES);
  #length = 0;

  /** `finished`: the parts that the upload has already, in order. */
  constructor(upload: R2MultipartUpload, finished: readonly R2UploadedPart[]) {
    this.#upload = upload;
    this.#parts = [...finished];
  }

  get bytes(): number {
    return this.#parts.length * PART_BYTES + this.#length;
  }

  /** `finished` is told of each part that these bytes completed, and how many of them are in it or before it. */
  async write(bytes: Uint8Array, finished: (part: R2UploadedPart, taken: number) => Promise<void>): Promise<void> {
    let taken = 0;
    while (taken < bytes.length) {
      const piece = bytes.subarray(taken, taken + PART_BYTES - this.#length);
      this.#held.set(piece, this.#length);
      this.#length += piece.length;
      taken += piece.length;
      if (this.#length === PART_BYTES) await finished(await this.#flush(), taken);
    }
  }

  /** The file is there once this returns. */
  async finish(): Promise<void> {
    if (this.#length > 0 || this.#parts.length === 0) await this.#flush();
    await this.#upload.complete(this.#parts);
  }

  async #flush(): Promise<R2UploadedPart> {
    const part = await this.#upload.uploadPart(this.#parts.length + 1, this.#held.slice(0, this.#length));
    this.#parts.push(part);
    this.#length = 0;
    return part;
  }
}

/** Removes a file, finished or not; it is no failure if there is none. */
export async function dropUpload(bucket: R2Bucket, key: string, uploadId: string | null): Promise<void> {
  if (uploadId !== null) {
    // Gone already, or completed: then there is nothing to give up.
    await bucket
      .resumeMultipartUpload(key, uploadId)
      .abort()
      .catch(() => {});
  }
  await bucket.delete(key);
}

/** R2 gives up an unfinished upload by itself after some days. */
export function isUploadGone(cause: unknown): boolean {
  return cause instanceof Error && /multipart upload does not exist|\(10024\)/.test(cause.message);
}

/** SHA-256 of a stored file, lower-case hex: what is vouched for is what lies there. */
export async function digestOf(bucket: R2Bucket, key: string): Promise<string> {
  const stored = await bucket.get(key);
  if (stored === null) throw new Error("The written file is not there");
  const digest = new crypto.DigestStream("SHA-256");
  await stored.body.pipeTo(digest);
  return encodeHex(new Uint8Array(await digest.digest));
}

export async function sha256Hex(bytes: Uint8Array): Promise<string> {
  return encodeHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}
