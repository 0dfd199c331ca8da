/** The three formats of an export, each as bytes for a page of rows. The same rows always give the same bytes. */
import { utf8 } from "../domain/encoding.ts";
import { csvHeader, csvLine, ndjsonLine, type ExportRow } from "../domain/export-row.ts";
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
      return {
        contentType: "application/x-ndjson",
        start: nothing,
        rows: (rows) => utf8(rows.map(ndjsonLine).join("")),
        end: nothing,
        note: noNote,
      };
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
