/**
 * Dry run of a policy change over past events: what it would have blocked and what it would have allowed. Pure.
 * Only what an event keeps can be judged again: method and path. Query and body rules are therefore not replayed, and
 * the answer says so. Folded page by page, so that any number of events fits into memory.
 */

/** One past call, as far as a replay needs it. `count` is 1 unless events were folded. */
export interface ReplayCall {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly decision: "allowed" | "denied";
  readonly reason: string;
  readonly count: number;
  readonly atMs: number;
}

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
  readonly blocked: readonly ReplaySample[];
  readonly allowed: readonly ReplaySample[];
}

export const EMPTY_TALLY: ReplayTally = { calls: 0, wouldBlock: 0, wouldAllow: 0, blocked: [], allowed: [] };
export const MAX_REPLAY_SAMPLES = 20;

/** Reasons that a scope gives; a call refused for any other reason would be refused again. */
const SCOPE_REASONS: ReadonlySet<string> = new Set(["method_denied", "path_denied"]);

/** Judges one page of calls with the changed rules. `allows` decides by method and canonical path. */
export function replayPage(
  tally: ReplayTally,
  calls: readonly ReplayCall[],
  allows: (method: string, path: string) => boolean,
): ReplayTally {
  const blocked = [...tally.blocked];
  const allowed = [...tally.allowed];
  let { calls: total, wouldBlock, wouldAllow } = tally;
  for (const call of calls) {
    total += call.count;
    const now = allows(call.method, call.path);
    if (call.decision === "allowed" && !now) {
      wouldBlock += call.count;
      keep(blocked, call);
    } else if (call.decision === "denied" && SCOPE_REASONS.has(call.reason) && now) {
      wouldAllow += call.count;
      keep(allowed, call);
    }
  }
  return { calls: total, wouldBlock, wouldAllow, blocked, allowed };
}

/** The sentence for people: `14 of 9,312 calls would have been blocked`. */
export function replaySummary(tally: ReplayTally): string {
  const total = grouped(tally.calls);
  return (
    `${grouped(tally.wouldBlock)} of ${total} calls would have been blocked; ` +
    `${grouped(tally.wouldAllow)} that were refused would have been allowed`
  );
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
