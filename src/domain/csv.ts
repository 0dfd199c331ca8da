/**
 * CSV rows that are safe to open in a spreadsheet. Pure.
 * RFC 4180: CRLF line ends, fields in double quotes, a quote doubled. A text that a spreadsheet would read as a formula
 * gets a leading apostrophe, so that nobody who can choose a path or a user agent can run anything on an analyst's machine.
 */
export type CsvCell = string | number | boolean | null;

/** Characters that begin a formula in the known spreadsheets, full-width forms included, also behind blanks or quotes. */
const FORMULA_START = /^[\s"'\u00a0\ufeff\p{C}]*[=+\-@\u2212\uff1d\uff0b\uff0d\uff20|%]/u;
/** Leading tab, carriage return or line feed: some importers drop them and evaluate what follows. */
const CONTROL_START = /^[\t\r\n\0]/;

/** One row with its CRLF. Numbers and booleans are written bare; null is an empty field. */
export function csvRow(cells: readonly CsvCell[]): string {
  return `${cells.map(csvCell).join(",")}\r\n`;
}

function csvCell(cell: CsvCell): string {
  if (cell === null) return "";
  if (typeof cell === "boolean") return String(cell);
  if (typeof cell === "number") return Number.isFinite(cell) ? String(cell) : "";
  const harmless = FORMULA_START.test(cell) || CONTROL_START.test(cell) ? `'${cell}` : cell;
  return `"${harmless.replaceAll('"', '""')}"`;
}
