/** Whether the lines of a statement add up, as they are shown. Pure; whole millionths of a US dollar. */

interface Line {
  readonly seq: number;
  readonly usd_micros: number;
  readonly balance_usd_micros: number;
}

export interface StatementCheck {
  readonly addsUp: boolean;
  /** `seq` of the first line (from the newest) that does not follow from the one before it; null: all do. */
  readonly brokenAt: number | null;
  /** Of the lines that are there. */
  readonly sumUsdMicros: number;
}

/** @param lines newest first, without a gap @param complete whether the first movement is among them */
export function checkStatement(lines: readonly Line[], complete: boolean): StatementCheck {
  let sumUsdMicros = 0;
  let brokenAt: number | null = null;
  for (const [i, line] of lines.entries()) {
    sumUsdMicros += line.usd_micros;
    const before = lines[i + 1];
    const balanceBefore = line.balance_usd_micros - line.usd_micros;
    const follows =
      before === undefined
        ? !complete || (line.seq === 1 && balanceBefore === 0)
        : before.balance_usd_micros === balanceBefore && before.seq === line.seq - 1;
    if (!follows && brokenAt === null) brokenAt = line.seq;
  }
  return { addsUp: brokenAt === null, brokenAt, sumUsdMicros };
}
