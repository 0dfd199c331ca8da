/**
 * A file of unknown length into R2, piece by piece: parts of equal size, as R2 wants them, and a running SHA-256.
 * Holds one part in memory. A failed upload leaves nothing behind.
 */
import { encodeHex } from "../domain/encoding.ts";

/** R2 takes parts of at least 5 MiB, all of one size but the last, at most 10,000. */
const PART_BYTES = 8 * 1024 * 1024;

export interface StoredFile {
  readonly bytes: number;
  readonly sha256: string;
}

export class R2File {
  readonly #upload: R2MultipartUpload;
  readonly #digest = new crypto.DigestStream("SHA-256");
  readonly #digestWriter = this.#digest.getWriter();
  readonly #parts: R2UploadedPart[] = [];
  #held = new Uint8Array(PART_BYTES);
  #length = 0;
  #bytes = 0;

  private constructor(upload: R2MultipartUpload) {
    this.#upload = upload;
  }

  static async create(bucket: R2Bucket, key: string, contentType: string): Promise<R2File> {
    return new R2File(await bucket.createMultipartUpload(key, { httpMetadata: { contentType } }));
  }

  get bytes(): number {
    return this.#bytes;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#digestWriter.write(bytes);
    this.#bytes += bytes.length;
    let rest = bytes;
    while (rest.length > 0) {
      const taken = rest.subarray(0, PART_BYTES - this.#length);
      this.#held.set(taken, this.#length);
      this.#length += taken.length;
      rest = rest.subarray(taken.length);
      if (this.#length === PART_BYTES) await this.#flush();
    }
  }

  /** The file is there once this returns. */
  async finish(): Promise<StoredFile> {
    if (this.#length > 0 || this.#parts.length === 0) await this.#flush();
    await this.#digestWriter.close();
    await this.#upload.complete(this.#parts);
    return { bytes: this.#bytes, sha256: encodeHex(new Uint8Array(await this.#digest.digest)) };
  }

  async abort(): Promise<void> {
    await this.#digestWriter.abort().catch(() => {});
    this.#digest.digest.catch(() => {});
    await this.#upload.abort();
  }

  async #flush(): Promise<void> {
    this.#parts.push(await this.#upload.uploadPart(this.#parts.length + 1, this.#held.slice(0, this.#length)));
    this.#length = 0;
  }
}
