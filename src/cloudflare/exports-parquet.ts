/**
 * Exports as Parquet, one row group per page of rows. The file's foot lists all row groups, so an encoder that goes on after
 * another is told what that one wrote: the row groups' own description, as JSON.
 */
import type { RowGroup } from "hyparquet";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { decodeBase64, encodeBase64 } from "../domain/encoding.ts";
import { EXPORT_COLUMNS } from "../domain/export-row.ts";
import type { EncodedSoFar, ExportEncoder } from "./exports-format.ts";

/** Of long texts, the beginning is enough to skip row groups by. */
const MAX_STATISTIC_BYTES = 64;

const TYPES = {
  text: { type: "BYTE_ARRAY", converted_type: "UTF8" },
  json: { type: "BYTE_ARRAY", converted_type: "JSON" },
  integer: { type: "INT64" },
  time: { type: "INT64", converted_type: "TIMESTAMP_MILLIS" },
} as const;

export function parquetEncoder(soFar: EncodedSoFar | null): ExportEncoder {
  const writer = new ByteWriter();
  const parquet = new ParquetWriter({
    writer,
    createdBy: "RelayKey",
    statisticsTruncateLength: MAX_STATISTIC_BYTES,
    schema: [
      { name: "root", num_children: EXPORT_COLUMNS.length },
      ...EXPORT_COLUMNS.map((column) => ({
        name: column.name,
        repetition_type: "OPTIONAL" as const,
        ...TYPES[column.type],
      })),
    ],
  });
  if (soFar !== null) {
    // The head that the writer has just made stands in the file already.
    writer.index = 0;
    writer.offset = soFar.bytes;
    parquet.row_groups = soFar.notes.map(rowGroupOf);
    parquet.num_rows = parquet.row_groups.reduce((sum, group) => sum + group.num_rows, 0n);
  }
  /** What was written since the last time; the writer starts over in its buffer but goes on counting. */
  function drained(): Uint8Array {
    const bytes = writer.getBytes().slice();
    writer.index = 0;
    return bytes;
  }
  return {
    contentType: "application/vnd.apache.parquet",
    start: drained,
    rows: (rows) => {
      const columnData = EXPORT_COLUMNS.map((column) => ({
        name: column.name,
        data: rows.map((row) => parquetValue(column.type, column.value(row))),
        // Page indexes would have to be kept until the end; a row group is small enough to be read whole.
        offsetIndex: false,
        statistics: column.type !== "json",
      }));
      void parquet.write({ columnData, rowGroupSize: rows.length });
      return drained();
    },
    end: () => {
      void parquet.finish();
      return drained();
    },
    note: () => {
      const last = parquet.row_groups.at(-1);
      return last === undefined ? null : JSON.stringify(last, plainValue);
    },
  };
}

function parquetValue(type: keyof typeof TYPES, value: string | number | null): string | bigint | Date | null {
  if (typeof value !== "number") return value;
  return type === "time" ? new Date(value) : BigInt(Math.round(value));
}

/** JSON has no big integers and no bytes: they become objects of one member. */
function plainValue(_name: string, value: unknown): unknown {
  if (typeof value === "bigint") return { $integer: String(value) };
  return value instanceof Uint8Array ? { $bytes: encodeBase64(value) } : value;
}

function rowGroupOf(note: string): RowGroup {
  return JSON.parse(note, (_name, value: unknown) => {
    if (typeof value !== "object" || value === null) return value;
    if ("$integer" in value) return BigInt(String(value.$integer));
    return "$bytes" in value ? decodeBase64(String(value.$bytes)) : value;
  }) as RowGroup;
}
