/** The three formats of an export, each as bytes for a page of rows. The same rows always give the same bytes. */
import { utf8 } from "../domain/encoding.ts";
import { csvHeader, csvLine, ndjsonLine, type ExportRow } from "../domain/export-row.ts";
import { digestOver, NO_ROWS_DIGEST } from "../domain/export-statement.ts";
import { parquetEncoder } from "./exports-parquet.ts";

export interface ExportEncoder {
  readonly contentType: string;
  /** What stands before the first row. */
  start(): Uint8Array;
  rows(rows: readonly ExportRow[]): Uint8Array;
  end(): Uint8Array;
  /** What another encoder must know of the page that was written last, to go on after it; null: nothing. */
  note(): string | null;
}

/** Where to go on: so many bytes were written, and these are the notes of all pages in them. */
export interface EncodedSoFar {
  readonly bytes: number;
  readonly notes: readonly string[];
}

const NOTHING = new Uint8Array();
const nothing = (): Uint8Array => NOTHING;
const noNote = (): null => null;

export function exportEncoder(format: "ndjson" | "csv" | "parquet", soFar: EncodedSoFar | null): ExportEncoder {
  switch (format) {
    case "ndjson":
      return ndjsonEncoder(soFar?.notes.at(-1) ?? NO_ROWS_DIGEST);
    case "csv":
      return {
        contentType: "text/csv; charset=utf-8",
        start: () => utf8(csvHeader()),
        rows: (rows) => utf8(rows.map(csvLine).join("")),
        end: nothing,
        note: noNote,
      };
    case "parquet":
      return parquetEncoder(soFar);
  }
}

/** Its note is the digest over all rows so far, which the statement at the end of the file signs. */
function ndjsonEncoder(soFar: string): ExportEncoder {
  let digest = soFar;
  return {
    contentType: "application/x-ndjson",
    start: nothing,
    rows(rows) {
      const lines = rows.map(ndjsonLine);
      digest = digestOver(digest, lines);
      return utf8(lines.join(""));
    },
    end: nothing,
    note: () => digest,
  };
}
