/** The three formats of an export, each as bytes for a page of rows. Parquet writes a row group per page. */
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { utf8 } from "../domain/encoding.ts";
import { csvHeader, csvLine, EXPORT_COLUMNS, ndjsonLine, type ExportRow } from "../domain/export-row.ts";

export interface ExportEncoder {
  readonly contentType: string;
  readonly extension: string;
  start(): Uint8Array;
  rows(rows: readonly ExportRow[]): Uint8Array;
  end(): Uint8Array;
}

const NOTHING = new Uint8Array();

export function exportEncoder(format: "ndjson" | "csv" | "parquet"): ExportEncoder {
  switch (format) {
    case "ndjson":
      return {
        contentType: "application/x-ndjson",
        extension: "ndjson",
        start: () => NOTHING,
        rows: (rows) => utf8(rows.map(ndjsonLine).join("")),
        end: () => NOTHING,
      };
    case "csv":
      return {
        contentType: "text/csv; charset=utf-8",
        extension: "csv",
        start: () => utf8(csvHeader()),
        rows: (rows) => utf8(rows.map(csvLine).join("")),
        end: () => NOTHING,
      };
    case "parquet":
      return parquetEncoder();
  }
}

const PARQUET_TYPES = {
  text: { type: "BYTE_ARRAY", converted_type: "UTF8" },
  json: { type: "BYTE_ARRAY", converted_type: "JSON" },
  integer: { type: "INT64" },
  time: { type: "INT64", converted_type: "TIMESTAMP_MILLIS" },
} as const;

function parquetEncoder(): ExportEncoder {
  const writer = new ByteWriter();
  const parquet = new ParquetWriter({
    writer,
    createdBy: "RelayKey",
    schema: [
      { name: "root", num_children: EXPORT_COLUMNS.length },
      ...EXPORT_COLUMNS.map((column) => ({
        name: column.name,
        repetition_type: "OPTIONAL" as const,
        ...PARQUET_TYPES[column.type],
      })),
    ],
  });
  /** What was written since the last time; the writer starts over in its buffer but goes on counting. */
  function drained(): Uint8Array {
    const bytes = writer.getBytes().slice();
    writer.index = 0;
    return bytes;
  }
  return {
    contentType: "application/vnd.apache.parquet",
    extension: "parquet",
    start: drained,
    rows: (rows) => {
      const columnData = EXPORT_COLUMNS.map((column) => ({
        name: column.name,
        data: rows.map((row) => parquetValue(column.type, column.value(row))),
      }));
      void parquet.write({ columnData, rowGroupSize: rows.length });
      return drained();
    },
    end: () => {
      void parquet.finish();
      return drained();
    },
  };
}

function parquetValue(type: keyof typeof PARQUET_TYPES, value: string | number | null): string | bigint | Date | null {
  if (typeof value !== "number") return value;
  return type === "time" ? new Date(value) : BigInt(Math.round(value));
}
