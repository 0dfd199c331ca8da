/**
 * Takes closed events from a gate to the audit queue, again and again until the audit database confirms them.
 * Everything here is memory: after a restart the unconfirmed events are simply sent once more, and the insert is
 * idempotent. Only durable events are ever sent.
 */
import type { EventTuple } from "../domain/chain.ts";
import { EVENT_HASH, EVENT_SEQ } from "../domain/chain.ts";
import type { GateState } from "../domain/gate-state.ts";
import { MAX_MESSAGES_PER_SEND, packEvents, resendDelayMs } from "../domain/outbox.ts";
import type { AuditMessage, GateMessage } from "./audit-messages.ts";
import type { CheckpointKey } from "./checkpoint-signer.ts";
import { checkpointKey, signCheckpoint } from "./checkpoint-signer.ts";

/** A chain's head is signed at most this often. */
const SIGN_EVERY_MS = 60_000;
const MAX_SENDS_PER_ROUND = 8;
/** A sending that has not ended after this long counts as lost. */
const SENDING_LOST_MS = 10_000;
const MAX_NOTICES_PER_MESSAGE = 20;

export class GateDelivery {
  readonly #queue: Queue<AuditMessage>;
  readonly #signingSeed: string;
  #key: Promise<CheckpointKey> | null = null;
  #sentTo = 0;
  /** What was sent and is not confirmed, oldest first. */
  #sent: { readonly to: number; readonly atMs: number }[] = [];
  readonly #sentNotices = new Map<string, number>();
  /** Sendings without any confirmation in between. */
  #attempt = 0;
  /** After the Queue refused a batch. */
  #blockedUntilMs = 0;
  /** While a round of sending is on its way, or 0. */
  #sendingUntilMs = 0;
  /** When the last round began, or was promised. */
  #roundAtMs = 0;
  /** Events up to this seq are about to be sent by somebody who needs no alarm for it. */
  #promisedTo = 0;
  #signedSeq = 0;
  #signedAtMs = 0;

  constructor(queue: Queue<AuditMessage>, signingSeed: string) {
    this.#queue = queue;
    this.#signingSeed = signingSeed;
  }

  /**
   * Whether what is closed now may be sent at once, since nothing was sent within `gatherMs`. Who is told so calls `deliver`
   * as soon as it is durable; should that never happen, the alarm comes later.
   */
  promise(state: GateState, nowMs: number, gatherMs: number): boolean {
    const earliestMs = Math.max(this.#blockedUntilMs, this.#sendingUntilMs, this.#roundAtMs + gatherMs);
    if (nowMs < earliestMs) return false;
    this.#roundAtMs = nowMs;
    this.#promisedTo = newestSeq(state);
    return true;
  }

  /** When there is something to do, or null. `gatherMs`: how long fresh events may gather. */
  dueMs(state: GateState, nowMs: number, gatherMs: number): number | null {
    let dueMs = Infinity;
    const fresh = newestSeq(state);
    const promised = fresh > this.#sentTo && fresh <= this.#promisedTo;
    if (promised) dueMs = this.#roundAtMs + resendDelayMs(1);
    else if (fresh > this.#sentTo || state.notices.size > this.#sentNotices.size) dueMs = nowMs + gatherMs;
    const oldest = this.#oldestSentMs();
    if (oldest !== null) dueMs = Math.min(dueMs, oldest + resendDelayMs(this.#attempt + 1));
    if (state.closed > this.#signedSeq && !promised)
      dueMs = Math.min(dueMs, Math.max(nowMs + gatherMs, this.#signedAtMs + SIGN_EVERY_MS));
    return dueMs === Infinity ? null : Math.max(nowMs, dueMs, this.#blockedUntilMs, this.#sendingUntilMs);
  }

  /** To be called when the audit database has confirmed something. */
  confirmed(state: GateState): void {
    const oldest = state.outbox[0]?.[EVENT_SEQ] ?? Infinity;
    const before = this.#sent.length + this.#sentNotices.size;
    this.#sent = this.#sent.filter(({ to }) => to >= oldest);
    for (const id of this.#sentNotices.keys()) if (!state.notices.has(id)) this.#sentNotices.delete(id);
    if (this.#sent.length + this.#sentNotices.size < before) this.#attempt = 0;
  }

  /** Sends what is new, or everything unconfirmed when its time has come. Never throws. */
  async deliver(credentialId: string, state: GateState, durableSeq: number, nowMs: number): Promise<void> {
    if (nowMs < Math.max(this.#blockedUntilMs, this.#sendingUntilMs)) {
      this.#promisedTo = 0;
      return;
    }
    this.#roundAtMs = nowMs;
    this.#sendingUntilMs = nowMs + SENDING_LOST_MS;
    const oldest = this.#oldestSentMs();
    if (oldest !== null && nowMs >= oldest + resendDelayMs(this.#attempt + 1)) this.#forgetSent();
    try {
      for (let round = 0; round < MAX_SENDS_PER_ROUND; round += 1) {
        if (!(await this.#send(credentialId, state, durableSeq, nowMs))) break;
      }
    } catch {
      this.#forgetSent();
      this.#blockedUntilMs = nowMs + resendDelayMs(this.#attempt);
    }
    this.#sendingUntilMs = 0;
  }

  #forgetSent(): void {
    this.#attempt += 1;
    this.#sentTo = 0;
    this.#promisedTo = 0;
    this.#sent = [];
    this.#sentNotices.clear();
  }

  #oldestSentMs(): number | null {
    const notice = this.#sentNotices.values().next().value ?? Infinity;
    const oldest = Math.min(this.#sent[0]?.atMs ?? Infinity, notice);
    return oldest === Infinity ? null : oldest;
  }

  /** One batch of messages; false when there was nothing to send. */
  async #send(credentialId: string, state: GateState, durableSeq: number, nowMs: number): Promise<boolean> {
    const durable = state.outbox.filter((event) => event[EVENT_SEQ] <= durableSeq);
    const packs = packEvents(durable, this.#sentTo, MAX_MESSAGES_PER_SEND);
    const notices = [...state.notices.values()]
      .filter((notice) => !this.#sentNotices.has(notice.id))
      .slice(0, MAX_NOTICES_PER_MESSAGE);
    const head = nowMs >= this.#signedAtMs + SIGN_EVERY_MS ? durableHead(state, durable, durableSeq) : null;
    const signs = head !== null && head.seq > this.#signedSeq;
    if (packs.length === 0 && notices.length === 0 && !signs) return false;

    const checkpoint = signs
      ? await signCheckpoint(await this.#signingKey(), { credentialId, ...head, atMs: nowMs })
      : null;
    const last = packs.at(-1)?.at(-1);
    const bodies = (packs.length === 0 ? [[]] : packs).map((events: readonly EventTuple[], at): GateMessage => ({
      v: 1,
      kind: "gate",
      credential_id: credentialId,
      events,
      notices: at === 0 ? notices : [],
      checkpoint: at === 0 ? checkpoint : null,
    }));
    await this.#queue.sendBatch(bodies.map((body) => ({ body, contentType: "json" as const })));
    if (last !== undefined) {
      this.#sentTo = last[EVENT_SEQ];
      this.#sent.push({ to: last[EVENT_SEQ], atMs: nowMs });
    }
    for (const notice of notices) this.#sentNotices.set(notice.id, nowMs);
    if (checkpoint !== null) {
      this.#signedSeq = checkpoint.seq;
      this.#signedAtMs = nowMs;
    }
    return packs.length > 0;
  }

  #signingKey(): Promise<CheckpointKey> {
    this.#key ??= checkpointKey(this.#signingSeed);
    return this.#key;
  }
}

function newestSeq(state: GateState): number {
  return state.outbox.at(-1)?.[EVENT_SEQ] ?? 0;
}

/** The newest head that is durable, as far as it is still known here. */
function durableHead(
  state: GateState,
  durable: readonly EventTuple[],
  durableSeq: number,
): { readonly seq: number; readonly hash: string } | null {
  if (durableSeq === state.closed) return { seq: state.closed, hash: state.headHash };
  const last = durable.at(-1);
  return last === undefined ? null : { seq: last[EVENT_SEQ], hash: last[EVENT_HASH] };
}
