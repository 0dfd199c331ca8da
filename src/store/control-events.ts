/** The record of changes: appended in the same batch as the change itself, never changed afterwards. */
import { and, eq, gte, lt } from "drizzle-orm";
import { afterPosition, newestFirst } from "./control-db.ts";
import type { ControlDb, PageRequest } from "./control-db.ts";
import { controlEvents } from "./control-schema.ts";

export type ControlEventRow = typeof controlEvents.$inferSelect;

/** A statement for a batch; awaited alone it runs alone. */
export function insertControlEvent(db: ControlDb, event: ControlEventRow) {
  return db.insert(controlEvents).values(event);
}

export interface ControlEventFilter {
  readonly actorId?: string | undefined;
  readonly action?: string | undefined;
  readonly targetId?: string | undefined;
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
}

export function listControlEvents(
  db: ControlDb,
  organisationId: string,
  filter: ControlEventFilter,
  page: PageRequest,
): Promise<ControlEventRow[]> {
  return db
    .select()
    .from(controlEvents)
    .where(
      and(
        eq(controlEvents.organisationId, organisationId),
        filter.actorId === undefined ? undefined : eq(controlEvents.actorId, filter.actorId),
        filter.action === undefined ? undefined : eq(controlEvents.action, filter.action),
        filter.targetId === undefined ? undefined : eq(controlEvents.targetId, filter.targetId),
        filter.fromMs === undefined ? undefined : gte(controlEvents.atMs, filter.fromMs),
        filter.toMs === undefined ? undefined : lt(controlEvents.atMs, filter.toMs),
        afterPosition(controlEvents.atMs, controlEvents.id, page),
      ),
    )
    .orderBy(...newestFirst(controlEvents.atMs, controlEvents.id))
    .limit(page.limit + 1);
}
