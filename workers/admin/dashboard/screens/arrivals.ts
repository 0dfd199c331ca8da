/** A list of events, newest first, and those that came on record after it was read. Pure. */

export interface Dated {
  readonly id: string;
  /** RFC 3339 in UTC with milliseconds, so that text sorts as time does. */
  readonly at: string;
}

/**
 * `read`: newest first; `arrived`: in the order of arrival, some of it perhaps read already. Each event is there once, in the order in which the
 * API lists it: by time, of one moment the last to arrive first. While `hasMore`, what is older than all that was read is left to the next page.
 */
export function withArrivals<T extends Dated>(
  read: readonly T[],
  arrived: readonly T[],
  hasMore: boolean,
): readonly T[] {
  const oldest = hasMore ? read.at(-1)?.at : undefined;
  const known = new Set(arrived.length === 0 ? [] : read.map((each) => each.id));
  const added: T[] = [];
  for (const event of arrived.toReversed()) {
    if (known.has(event.id) || (oldest !== undefined && event.at < oldest)) continue;
    known.add(event.id);
    added.push(event);
  }
  if (added.length === 0) return read;
  added.sort((left, right) => (left.at === right.at ? 0 : left.at < right.at ? 1 : -1));
  const rows: T[] = [];
  let next = 0;
  for (const event of read) {
    for (let one = added[next]; one !== undefined && one.at >= event.at; one = added[next]) {
      rows.push(one);
      next += 1;
    }
    rows.push(event);
  }
  return [...rows, ...added.slice(next)];
}

/** How many rows further down row `index` of `before` is in `after`; 0 if it is not there any more. */
export function movedBy(before: readonly Dated[], after: readonly Dated[], index: number): number {
  const id = before[index]?.id;
  const now = id === undefined ? -1 : after.findIndex((row) => row.id === id);
  return now < 0 ? 0 : now - index;
}
