/** Pages of lists: the query's cursor becomes a position, and one row more than asked tells whether there is a next page. */
import { decodeCursor, encodeCursor } from "../../src/contract/page.ts";
import type { PageRequest } from "../../src/store/control-db.ts";

export function pageRequest(query: { limit: number; cursor?: string | undefined }): PageRequest {
  return { limit: query.limit, after: query.cursor === undefined ? null : decodeCursor(query.cursor) };
}

/** `rows` holds up to `limit + 1`. */
export function pageBody<Row extends { readonly id: string }, View>(
  rows: readonly Row[],
  limit: number,
  atMs: (row: Row) => number,
  view: (row: Row) => View,
): { data: View[]; next_cursor: string | null } {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const more = rows.length > limit && last !== undefined;
  return { data: shown.map(view), next_cursor: more ? encodeCursor({ atMs: atMs(last), id: last.id }) : null };
}
