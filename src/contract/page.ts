/** Cursor pagination: `?limit=&cursor=` → `{data, next_cursor}`. A cursor is opaque to clients. */
import * as z from "zod";
import { decodeBase64Url, encodeBase64Url, utf8, utf8Text } from "../domain/encoding.ts";

export const DEFAULT_PAGE_SIZE = 50;
export const MAX_PAGE_SIZE = 1_000;
const MAX_CURSOR_CHARS = 256;

/** Position after the last item seen: its time, and its id to tell equals apart. */
export interface PagePosition {
  readonly atMs: number;
  readonly id: string;
}

export const Cursor = z
  .string()
  .max(MAX_CURSOR_CHARS)
  .refine((text) => decodeCursor(text) !== null, "Is not a cursor of this list");

/** Query members of every list. Numbers arrive as text. */
export const PAGE_QUERY = {
  limit: z.coerce.number().int().min(1).max(MAX_PAGE_SIZE).default(DEFAULT_PAGE_SIZE),
  cursor: Cursor.optional(),
};

export function pageOf<T extends z.ZodType>(item: T) {
  return z.strictObject({ data: z.array(item), next_cursor: z.string().nullable() });
}

export function encodeCursor(position: PagePosition): string {
  return encodeBase64Url(utf8(`${position.atMs}.${position.id}`));
}

export function decodeCursor(text: string): PagePosition | null {
  const bytes = decodeBase64Url(text);
  const match = /^(0|[1-9]\d{0,15})\.([A-Za-z0-9_:-]{1,128})$/.exec((bytes && utf8Text(bytes)) ?? "");
  const atMs = Number(match?.[1]);
  return match?.[2] !== undefined && Number.isSafeInteger(atMs) ? { atMs, id: match[2] } : null;
}
