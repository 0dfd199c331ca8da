/**
 * Dry run of a policy change over past events: how many calls it would have blocked or allowed, and of how many that cannot
 * be said (`replay-judge.ts`). Pure. Folded page by page, so that any number of events fits into memory.
 */
import type { ReplayCall, ReplayOutcome } from "./replay-judge.ts";

export interface ReplaySample {
  readonly eventId: string;
  readonly atMs: number;
  readonly method: string;
  readonly path: string;
}

export interface ReplayTally {
  readonly calls: number;
  readonly wouldBlock: number;
  readonly wouldAllow: number;
  readonly undecided: number;
  readonly blocked: readonly ReplaySample[];
  readonly allowed: readonly ReplaySample[];
}

export const EMPTY_TALLY: ReplayTally = {
  calls: 0,
  wouldBlock: 0,
  wouldAllow: 0,
  undecided: 0,
  blocked: [],
  allowed: [],
};
export const MAX_REPLAY_SAMPLES = 20;

/** Adds one page of calls. */
export function replayPage(
  tally: ReplayTally,
  calls: readonly ReplayCall[],
  judge: (call: ReplayCall) => ReplayOutcome,
): ReplayTally {
  const blocked = [...tally.blocked];
  const allowed = [...tally.allowed];
  let { calls: total, wouldBlock, wouldAllow, undecided } = tally;
  for (const call of calls) {
    total += call.count;
    switch (judge(call)) {
      case "blocked":
        wouldBlock += call.count;
        keep(blocked, call);
        break;
      case "allowed":
        wouldAllow += call.count;
        keep(allowed, call);
        break;
      case "undecided":
        undecided += call.count;
        break;
      case "same":
        break;
    }
  }
  return { calls: total, wouldBlock, wouldAllow, undecided, blocked, allowed };
}

/** The sentence for people: `14 of 9,312 calls would have been blocked`. */
export function replaySummary(tally: ReplayTally): string {
  const total = grouped(tally.calls);
  const sentence =
    `${grouped(tally.wouldBlock)} of ${total} calls would have been blocked; ` +
    `${grouped(tally.wouldAllow)} that were refused would have been allowed`;
  if (tally.undecided === 0) return sentence;
  return `${sentence}; of ${grouped(tally.undecided)} it cannot be said, because query and body are not on record`;
}

/** Keeps samples of different methods and paths, not the same call over and over. */
function keep(samples: ReplaySample[], call: ReplayCall): void {
  if (samples.length >= MAX_REPLAY_SAMPLES) return;
  if (samples.some((sample) => sample.method === call.method && sample.path === call.path)) return;
  samples.push({ eventId: call.id, atMs: call.atMs, method: call.method, path: call.path });
}

function grouped(count: number): string {
  return String(count).replaceAll(/\B(?=(?:\d{3})+$)/g, ",");
}
