/** Which rows of a long list to draw. Pure. All rows are of one height. */

/** Rows drawn beyond the edges, so that a quick scroll shows no gap. */
const SPARE_ROWS = 6;

/** Rows that are drawn at most; row `i` may take the place of the one drawn at `i % drawnRows` before. */
export function drawnRows(heightPx: number, rowPx: number): number {
  return Math.ceil(Math.max(heightPx, 0) / rowPx) + 2 * SPARE_ROWS;
}

export interface Visible {
  readonly from: number;
  /** Excluded. */
  readonly to: number;
}

export function visibleRows(scrollTopPx: number, heightPx: number, rowPx: number, count: number): Visible {
  const first = Math.floor(Math.max(scrollTopPx, 0) / rowPx) - SPARE_ROWS;
  const shown = drawnRows(heightPx, rowPx);
  const from = Math.min(Math.max(first, 0), Math.max(count - 1, 0));
  return { from, to: Math.min(from + shown, count) };
}

/** Where to scroll so that row `index` is whole in view; unchanged if it is already. */
export function scrollFor(index: number, scrollTopPx: number, heightPx: number, rowPx: number): number {
  const top = index * rowPx;
  if (top < scrollTopPx) return top;
  if (top + rowPx > scrollTopPx + heightPx) return top + rowPx - heightPx;
  return scrollTopPx;
}
