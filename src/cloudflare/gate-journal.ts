/**
 * What a gate's object does besides deciding: it stores records with shared commits, closes admissions that nobody
 * renews, wakes itself, and hands closed events to the audit queue. Kept apart from the object itself, whose methods can
 * be called from outside.
 *
 * What always holds: the state in memory is the checkpoint plus the log, applied by one pure function; a promise of
 * `store` resolves when its records are durable; an event is forgotten only when the audit database has confirmed it.
 */
import { AdmissionLeases } from "../domain/admission-leases.ts";
import { EVENT_SEQ } from "../domain/chain.ts";
import { apply } from "../domain/gate-apply.ts";
import type { GateRecord, RequestFacts } from "../domain/gate-records.ts";
import type { GateState } from "../domain/gate-state.ts";
import { RefusalFold } from "../domain/refusal-fold.ts";
import type { AuditMessage } from "./audit-messages.ts";
import { GateDelivery } from "./gate-delivery.ts";
import type { HoldSource } from "./gate-holds.ts";
import type { LimitPoolObject } from "./gate-leases.ts";
import { GateLeases } from "./gate-leases.ts";
import { GateLog } from "./gate-log.ts";
import { GroupCommit } from "./group-commit.ts";

/** How long closed events gather before they are sent. */
const GATHER_MS = 500;
const GATHER_LOCAL_MS = 250;
/** Those of a busy credential gather longer: a batch has a price of its own, and nobody reads them one by one. */
const GATHER_BUSY_MS = 1_000;
const BUSY_EVENTS_PER_BATCH = 32;
/** How long confirmations may wait for a commit. */
const KEEP_MS = 5_000;
/** A report to a pool that failed is tried again after this long. */
const REPORT_DELAY_MS = 2_000;

export interface CredentialGateEnv {
  readonly AUDIT_QUEUE: Queue<AuditMessage>;
  readonly POOLS: DurableObjectNamespace<LimitPoolObject>;
  readonly HEALTH: DurableObjectNamespace<HoldSource>;
  readonly RELAYKEY_SIGNING_SEED: string;
  readonly RELAYKEY_LOCAL?: string;
}

interface FoldSample {
  readonly facts: RequestFacts;
  readonly status: number;
}

export class GateJournal {
  readonly credentialId: string;
  readonly state: GateState;
  readonly leases: GateLeases;
  readonly fold = new RefusalFold<FoldSample>();
  readonly admissionLeases: AdmissionLeases;
  readonly #storage: DurableObjectStorage;
  readonly #log: GateLog;
  readonly #commits: GroupCommit<GateRecord>;
  readonly #delivery: GateDelivery;
  readonly #defer: (work: Promise<void>) => void;
  readonly #quietGatherMs: number;
  #gatherMs: number;
  /** Events that were closed when some were last sent. */
  #closedAtSending: number;
  /** Events up to this seq are on disk. */
  #durableSeq = 0;
  #alarmMs: number | null = null;

  constructor(ctx: DurableObjectState, env: CredentialGateEnv) {
    this.#storage = ctx.storage;
    this.#defer = (work) => ctx.waitUntil(work);
    this.#log = new GateLog(ctx.storage.sql);
    this.state = this.#log.load();
    // An object that its alarm woke may not know its name; what it has to say is about the credential of its document.
    this.credentialId = this.state.document?.credentialId ?? ctx.id.name ?? "";
    this.#durableSeq = this.state.closed;
    this.#quietGatherMs = env.RELAYKEY_LOCAL === "true" ? GATHER_LOCAL_MS : GATHER_MS;
    this.#gatherMs = this.#quietGatherMs;
    this.#closedAtSending = this.state.closed;
    this.#delivery = new GateDelivery(env.AUDIT_QUEUE, env.RELAYKEY_SIGNING_SEED);
    this.#commits = new GroupCommit<GateRecord>(
      (records) => this.#log.append(records, this.state),
      async () => {
        const { closed } = this.state;
        await ctx.storage.sync();
        this.#durableSeq = closed;
      },
      () => ctx.abort("The gate could not write its log"),
    );
    this.leases = new GateLeases(this.credentialId, env.POOLS, this.state, (records) => this.#commits.commit(records));
    const nowMs = Date.now();
    const { leases, grace } = AdmissionLeases.restart(this.state, nowMs);
    this.admissionLeases = leases;
    if (grace !== null) void this.act(grace);
    if (this.state.open.size > 0) this.schedule(nowMs);
  }

  /** The audit database holds these events and notices. */
  acknowledge(ranges: readonly (readonly [from: number, to: number])[], notices: readonly string[] = []): void {
    const { outbox } = this.state;
    const news = outbox.some((event) =>
      ranges.some(([from, to]) => event[EVENT_SEQ] >= from && event[EVENT_SEQ] <= to),
    );
    if (!news && !notices.some((id) => this.state.notices.has(id))) return;
    apply(this.state, ["delivered", ranges, notices]);
    this.#delivery.confirmed(this.state);
    // Forgotten in a crash it is only sent once more, so it needs no commit of its own.
    this.#commits.keepForNext([["delivered", ranges, notices]]);
    this.schedule(Date.now());
  }

  async alarm(): Promise<void> {
    this.#alarmMs = null;
    const nowMs = this.nowMs();
    const records: GateRecord[] = [];
    for (const admission of this.admissionLeases.takeEnded(nowMs)) records.push(["expire", nowMs, admission]);
    for (const { sample, reason, firstMs, count } of this.fold.take(nowMs)) {
      records.push(["refuse", firstMs, sample.facts, reason, sample.status, 0, count]);
    }
    for (const record of records) apply(this.state, record);
    await this.#commits.commit(records);
    await this.#send(nowMs);
    if (this.leases.owes()) await this.leases.report();
    this.schedule(nowMs);
  }

  /**
   * Stores records that nothing will follow soon. The events that they close are sent at once, if none were just before:
   * a call that comes alone needs no alarm for it.
   */
  async storeAndSend(records: readonly GateRecord[], nowMs: number): Promise<void> {
    const atOnce = records.length > 0 && this.#delivery.promise(this.state, nowMs, this.#gatherMs);
    await this.store(records, nowMs);
    if (atOnce) this.#defer(this.#send(this.nowMs()).then(() => this.schedule(Date.now())));
  }

  async #send(nowMs: number): Promise<void> {
    const busy = this.state.closed - this.#closedAtSending >= BUSY_EVENTS_PER_BATCH;
    this.#gatherMs = busy ? GATHER_BUSY_MS : this.#quietGatherMs;
    this.#closedAtSending = this.state.closed;
    await this.#delivery.deliver(this.credentialId, this.state, this.#durableSeq, nowMs);
  }

  /** Applies and stores one record. */
  act(record: GateRecord): Promise<void> {
    apply(this.state, record);
    return this.store([record], Date.now());
  }

  /** Stores records that are already part of the state. With none: waits for those given before. */
  store(records: readonly GateRecord[], nowMs: number): Promise<void> {
    this.schedule(nowMs);
    return this.#commits.commit(records);
  }

  nowMs(): number {
    return Math.max(Date.now(), this.state.clockMs);
  }

  /** As `schedule`, for a call that has just begun. Most end before this alarm, which then serves for their confirmation too. */
  scheduleCall(nowMs: number): void {
    this.schedule(nowMs, nowMs + KEEP_MS);
  }

  /**
   * Sets the alarm when none is set, or when something is due earlier. One alarm serves many requests. `latestMs`: when it
   * is to come at the latest, if at all.
   */
  schedule(nowMs: number, latestMs = Infinity): void {
    if (this.#alarmMs !== null && this.#alarmMs <= nowMs + this.#gatherMs) return;
    let dueMs = this.#delivery.dueMs(this.state, nowMs, this.#gatherMs) ?? Infinity;
    dueMs = Math.min(dueMs, this.admissionLeases.nextMs() ?? Infinity, this.fold.dueMs() ?? Infinity);
    if (this.leases.owes()) dueMs = Math.min(dueMs, nowMs + REPORT_DELAY_MS);
    if (this.#commits.keepsSome) dueMs = Math.min(dueMs, nowMs + KEEP_MS);
    if (dueMs !== Infinity) dueMs = Math.min(dueMs, latestMs);
    if (dueMs === Infinity || (this.#alarmMs !== null && this.#alarmMs <= dueMs)) return;
    this.#alarmMs = dueMs;
    void this.#storage.setAlarm(dueMs);
  }
}
