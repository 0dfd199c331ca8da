/**
 * Which of a connection's upstream credentials a call uses, and which it may fall back to. Pure: the random number is an
 * argument, so the same number always gives the same order.
 *
 * Always holds: a credential of another environment is never in the order, however much it would help; each credential is
 * in it at most once; a canary comes first for its share of the calls and last otherwise, so that its failure returns to
 * the proven key and its success can replace a proven key that the vendor no longer takes.
 */
import type { UpstreamCredentialDocument } from "./documents.ts";

/** More than this many are never tried for one call. */
const MAX_UPSTREAM_ORDER = 8;

/**
 * The credentials for one call, first choice first.
 *
 * Those that name the call's environment come before those that name none; within these a lower `priority` number comes
 * first, and equals are drawn by `weight`. A weight of 0 is only fallen back to.
 *
 * @param environment the call's; null: only credentials without an environment, or all when they agree on one
 * @param random in [0, 1)
 */
export function upstreamOrder(
  credentials: readonly UpstreamCredentialDocument[],
  environment: string | null,
  random: number,
): UpstreamCredentialDocument[] {
  const usable = usableIn(credentials, environment);
  if (usable.length < 2) return [...usable];
  const canaries = usable.filter((credential) => credential.state === "canary").sort(byRank);
  const { canary, rest } = drawCanary(canaries, random);
  const steady = usable.filter((credential) => credential.state === "active");
  const groups = new Map<string, UpstreamCredentialDocument[]>();
  for (const credential of [...steady].sort(byRank)) {
    const rank = `${credential.environment === null ? 1 : 0}/${credential.priority}`;
    groups.set(rank, [...(groups.get(rank) ?? []), credential]);
  }
  const order = [...groups.values()].flatMap((group) => byWeight(group, rest));
  const others = canaries.filter((credential) => credential !== canary);
  return [...(canary === null ? [] : [canary]), ...order, ...others].slice(0, MAX_UPSTREAM_ORDER);
}

/** False: the connection has keys, and none of them may serve a call of this environment (as in `upstreamOrder`). */
export function servesEnvironment(
  credentials: readonly UpstreamCredentialDocument[],
  environment: string | null,
): boolean {
  return credentials.length === 0 || usableIn(credentials, environment).length > 0;
}

function usableIn(
  credentials: readonly UpstreamCredentialDocument[],
  environment: string | null,
): readonly UpstreamCredentialDocument[] {
  if (environment !== null) {
    return credentials.filter(
      (credential) => credential.environment === environment || credential.environment === null,
    );
  }
  const general = credentials.filter((credential) => credential.environment === null);
  if (general.length > 0) return general;
  // A call without an environment may use the one that there is, but never choose between production and sandbox.
  const named = new Set(credentials.map((credential) => credential.environment));
  return named.size === 1 ? credentials : [];
}

function byRank(a: UpstreamCredentialDocument, b: UpstreamCredentialDocument): number {
  const general = Number(a.environment === null) - Number(b.environment === null);
  if (general !== 0) return general;
  if (a.priority !== b.priority) return a.priority - b.priority;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : b.version - a.version;
}

/** Takes a canary for its share of the calls; what is left of the random number is spread over [0, 1) again. */
function drawCanary(
  canaries: readonly UpstreamCredentialDocument[],
  random: number,
): { canary: UpstreamCredentialDocument | null; rest: number } {
  let at = random;
  let left = 1;
  for (const canary of canaries) {
    const share = Math.min(Math.max(canary.canaryShare, 0), left);
    if (at < share) return { canary, rest: at / share };
    at -= share;
    left -= share;
  }
  return { canary: null, rest: left > 0 ? Math.min(at / left, 1 - Number.EPSILON) : 0 };
}

/** Draws without replacement, each draw from what the previous one left of the random number. */
function byWeight(group: readonly UpstreamCredentialDocument[], random: number): UpstreamCredentialDocument[] {
  const waiting = group.filter((credential) => credential.weight > 0);
  const fallback = group.filter((credential) => credential.weight <= 0);
  const drawn: UpstreamCredentialDocument[] = [];
  let at = random;
  while (waiting.length > 0) {
    const total = waiting.reduce((sum, credential) => sum + credential.weight, 0);
    let point = at * total;
    let index = 0;
    while (index < waiting.length - 1 && point >= (waiting[index]?.weight ?? 0)) {
      point -= waiting[index]?.weight ?? 0;
      index += 1;
    }
    const [taken] = waiting.splice(index, 1);
    if (taken === undefined) break;
    drawn.push(taken);
    at = Math.min(Math.max(point / taken.weight, 0), 1 - Number.EPSILON);
  }
  return [...drawn, ...fallback];
}

/** How the vendor answered under one upstream credential, from the vendor's own signs. */
export type KeyOutcome = "accepted" | "refused" | "exhausted";

/** What was seen of a canary since it began, counted per rotation. */
export interface CanaryRecord {
  readonly accepted: number;
  readonly refused: number;
}

/** Refusals after which a canary goes back; one alone may be the vendor's slowness to learn of a new key. */
const CANARY_MAX_REFUSED = 3;
/** Accepted calls, without a refusal among the last ones, after which the old version may retire. */
const CANARY_MIN_ACCEPTED = 20;

/**
 * What to do with a canary: `return` to the old version when the vendor refuses the new one, `promote` it when it has
 * proven itself, `wait` otherwise. An exhausted key says nothing about the key itself and is not counted.
 */
export function canaryVerdict(record: CanaryRecord): "wait" | "return" | "promote" {
  if (record.refused >= CANARY_MAX_REFUSED) return "return";
  return record.accepted >= CANARY_MIN_ACCEPTED && record.refused === 0 ? "promote" : "wait";
}

/** Adds one outcome to a canary's record. */
export function countCanary(record: CanaryRecord, outcome: KeyOutcome): CanaryRecord {
  if (outcome === "accepted") return { ...record, accepted: record.accepted + 1 };
  return outcome === "refused" ? { ...record, refused: record.refused + 1 } : record;
}
