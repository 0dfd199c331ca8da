/** Finds rows by one of their labels. The label's name goes into a JSON path, so only names that `Labels` allows come here. */
import { sql } from "drizzle-orm";
import type { SQL } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";

/** `column` holds a JSON object of texts. `filter`: `team` for any value, `team:payments` for that value alone. */
export function hasLabel(column: SQLiteColumn, filter: string): SQL {
  const colon = filter.indexOf(":");
  const path = `$."${colon === -1 ? filter : filter.slice(0, colon)}"`;
  if (colon === -1) return sql`json_type(${column}, ${path}) IS NOT NULL`;
  return sql`json_extract(${column}, ${path}) = ${filter.slice(colon + 1)}`;
}
