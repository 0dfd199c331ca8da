/**
 * The gate of one credential: the authority on whether it may be used now, and the journal of every request it decided.
 *
 * What always holds: a reply goes out only after the records behind it are durable; the state in memory is the checkpoint
 * plus the log, applied by one pure function; an event is forgotten only when the audit database has confirmed it.
 * The rules are in src/domain/gate.ts; this class stores, times and sends.
 */
import { DurableObject } from "cloudflare:workers";
import { formatAddress, formatBlock, parseBlock, trustKey } from "../domain/address.ts";
import type { AdmissionReply, AdmissionRequest, GateDocument, Settlement } from "../domain/admission.ts";
import { EVENT_SEQ } from "../domain/chain.ts";
import type { Turn } from "../domain/gate.ts";
import { decide, settle } from "../domain/gate.ts";
import { apply } from "../domain/gate-apply.ts";
import type { GateInspection } from "../domain/gate-inspect.ts";
import { inspectGate } from "../domain/gate-inspect.ts";
import { compilePools, termsOf } from "../domain/gate-pools.ts";
import type { GateRecord, RequestFacts } from "../domain/gate-records.ts";
import { SHARED_LIMIT_UNKNOWN } from "../domain/gate-refusals.ts";
import type { GateState } from "../domain/gate-state.ts";
import { ADMISSION_LEASE_MS, RESTART_GRACE_MS, MAX_TRUSTED_ADDRESSES } from "../domain/gate-state.ts";
import { ID_RANDOM_BYTES, newId } from "../domain/ids.ts";
import type { LeaseClosing, LeaseReport, PoolTerms } from "../domain/lease.ts";
import { closingReports } from "../domain/lease-use.ts";
import type { Refusal } from "../domain/problem.ts";
import { RefusalFold } from "../domain/refusal-fold.ts";
import type { ConfirmFailure } from "../domain/trust.ts";
import { confirmFailure } from "../domain/trust.ts";
import type { AuditMessage } from "./audit-messages.ts";
import type { ConnectionHold } from "./connection-state.ts";
import { GateDelivery } from "./gate-delivery.ts";
import type { HoldSource } from "./gate-holds.ts";
import { GateHolds } from "./gate-holds.ts";
import type { LimitPoolObject } from "./gate-leases.ts";
import { GateLeases } from "./gate-leases.ts";
import { GateLog } from "./gate-log.ts";
import { GroupCommit } from "./group-commit.ts";

/** How long closed events gather before they are sent. */
const GATHER_MS = 500;
const GATHER_LOCAL_MS = 250;
/** Times that one call asks for leases before it is refused. */
const MAX_LEASE_ROUNDS = 16;
/** Calls that may wait for leases at the same time. */
const MAX_LEASE_WAITERS = 2_000;
/** A report to a pool that failed is tried again after this long. */
const REPORT_DELAY_MS = 2_000;
const MAX_INSPECTED_POOLS = 16;

export interface CredentialGateEnv {
  readonly AUDIT_QUEUE: Queue<AuditMessage>;
  readonly POOLS: DurableObjectNamespace<LimitPoolObject>;
  readonly HEALTH: DurableObjectNamespace<HoldSource>;
  readonly RELAYKEY_SIGNING_SEED: string;
  readonly RELAYKEY_LOCAL?: string;
}

export type TrustChange =
  | { readonly ok: true; readonly address: string }
  | { readonly ok: false; readonly reason: "invalid_address" | "too_many" | "not_found" };

export type ConfirmReply = { readonly ok: true } | { readonly ok: false; readonly reason: ConfirmFailure };

interface FoldSample {
  readonly facts: RequestFacts;
  readonly status: number;
}

export class CredentialGate extends DurableObject<CredentialGateEnv> {
  readonly #credentialId: string;
  readonly #log: GateLog;
  readonly #state: GateState;
  readonly #commits: GroupCommit<GateRecord>;
  readonly #delivery: GateDelivery;
  readonly #gatherMs: number;
  /** When each open admission is given up, unless it is renewed. Memory only; see `#restart`. */
  readonly #admissionLeases = new Map<number, number>();
  readonly #leases: GateLeases;
  readonly #holds = new GateHolds();
  #waitingForLeases = 0;
  readonly #fold = new RefusalFold<FoldSample>();
  /** Events up to this seq are on disk. */
  #durableSeq = 0;
  #alarmMs: number | null = null;

  constructor(ctx: DurableObjectState, env: CredentialGateEnv) {
    super(ctx, env);
    this.#log = new GateLog(ctx.storage.sql);
    this.#state = this.#log.load();
    // An object that its alarm woke may not know its name; what it has to say is about the credential of its document.
    this.#credentialId = this.#state.document?.credentialId ?? ctx.id.name ?? "";
    this.#durableSeq = this.#state.closed;
    this.#gatherMs = env.RELAYKEY_LOCAL === "true" ? GATHER_LOCAL_MS : GATHER_MS;
    this.#delivery = new GateDelivery(env.AUDIT_QUEUE, env.RELAYKEY_SIGNING_SEED);
    this.#commits = new GroupCommit<GateRecord>(
      (records) => this.#log.append(records, this.#state),
      async () => {
        const { closed } = this.#state;
        await ctx.storage.sync();
        this.#durableSeq = closed;
      },
      () => ctx.abort("The gate could not write its log"),
    );
    this.#leases = new GateLeases(this.#credentialId, env.POOLS, this.#state, (records) =>
      this.#commits.commit(records),
    );
    this.#restart();
  }

  /**
   * Nobody knows who renewed before: what was open gets some time, once. The time is on record, because an idle object is
   * thrown out of memory, and one that gave time at every start would never close anything.
   */
  #restart(): void {
    const { open, admissions, grace } = this.#state;
    const newest = Math.max(0, ...open.keys());
    if (newest === 0) return;
    const nowMs = Date.now();
    if (grace === null || grace.admission < newest) void this.#act(["grace", nowMs + RESTART_GRACE_MS, admissions]);
    const untilMs = this.#state.grace?.untilMs ?? nowMs;
    const ends = [...open].map(
      ([admission, { atMs }]) => [admission, Math.max(atMs + ADMISSION_LEASE_MS, untilMs)] as const,
    );
    for (const [admission, endMs] of ends.toSorted((a, b) => a[1] - b[1])) this.#admissionLeases.set(admission, endMs);
    this.#schedule(nowMs);
  }

  /** Decides one request; the settlements that ride along are closed first. */
  async admit(request: AdmissionRequest): Promise<AdmissionReply> {
    for (const { admission } of request.settlements) this.#admissionLeases.delete(admission);
    const turn = this.#decide(request, null);
    if (turn.reply === null) return this.#admitOnLease(request, turn);
    if (turn.records.length > 0) await this.#commits.commit(turn.records);
    return this.#withSharedLimits(request, turn.reply);
  }

  #decide(request: AdmissionRequest, exhausted: Refusal | null): Turn {
    const nowMs = Date.now();
    const turn = decide(this.#state, request, {
      nowMs,
      confirmationId: newConfirmationId,
      ownEvent: (reason, atMs) => this.#fold.ownEvent(reason, atMs),
      hold: this.#holds.refusal(request.connectionId, nowMs),
      exhausted,
    });
    if (turn.fold !== null) {
      const { facts, reason, status } = turn.fold;
      this.#fold.add(reason, `${reason} ${facts[2] ?? ""}`, { facts, status }, nowMs);
    }
    if (turn.reply?.decision === "go") {
      this.#admissionLeases.set(turn.reply.admission, nowMs + ADMISSION_LEASE_MS);
      this.#learnHolds(request.connectionId, nowMs);
    }
    this.#schedule(nowMs);
    return turn;
  }

  /** Leases of shared limits are missing: brings them, and decides again by what holds then. */
  async #admitOnLease(request: AdmissionRequest, first: Turn): Promise<AdmissionReply> {
    const stored = [this.#commits.commit(first.records)];
    const settled = { ...request, settlements: [] };
    let turn = first;
    for (let round = 0; turn.reply === null; round += 1) {
      let refusal: Refusal | null = SHARED_LIMIT_UNKNOWN;
      if (round < MAX_LEASE_ROUNDS && this.#waitingForLeases < MAX_LEASE_WAITERS) {
        this.#waitingForLeases += 1;
        try {
          refusal = await this.#leases.obtain(turn.demands);
        } catch {
          refusal = SHARED_LIMIT_UNKNOWN;
        } finally {
          this.#waitingForLeases -= 1;
        }
      }
      turn = this.#decide(settled, refusal);
      stored.push(this.#commits.commit(turn.records));
    }
    await Promise.all(stored);
    return this.#withSharedLimits(request, turn.reply);
  }

  #withSharedLimits(request: AdmissionRequest, reply: AdmissionReply): AdmissionReply {
    if (reply.decision !== "go" && reply.decision !== "refused") return reply;
    const terms = this.#termsOf(request.grantId, request.customer);
    if (terms.length === 0) return reply;
    const shared = this.#leases.statuses(terms, Date.now());
    return shared.length === 0 ? reply : { ...reply, limits: [...reply.limits, ...shared] };
  }

  #termsOf(grantId: string | null, customer: string | null): readonly PoolTerms[] {
    return termsOf(this.#state.pools, this.#state.document?.organisationId ?? "", grantId, customer);
  }

  /** A gate that uses a connection often wants to hear at once when the vendor asks everyone to wait. */
  #learnHolds(connectionId: string | null, nowMs: number): void {
    const { document } = this.#state;
    if (connectionId === null || document === null || !this.#holds.called(connectionId, nowMs)) return;
    const { HEALTH } = this.env;
    this.ctx.waitUntil(this.#holds.subscribe(HEALTH, this.#credentialId, document.organisationId, connectionId));
  }

  /** A connection's object says: no calls before `untilMs`, or (0) calls may go again. */
  async hold(hold: ConnectionHold): Promise<void> {
    this.#holds.hold(hold);
  }

  /** A pool of a shared limit recalls leases, or asks what became of them. */
  async closeLeases(closing: LeaseClosing): Promise<LeaseReport[]> {
    const record: GateRecord = ["lease", { op: "close", closing, nowMs: Date.now() }];
    apply(this.#state, record);
    const reports = closingReports(this.#state.leases, closing);
    await this.#store([record], Date.now());
    return reports;
  }

  /** Closes admissions. Those that are unknown or closed already are passed over. */
  async settle(settlements: readonly Settlement[]): Promise<void> {
    const nowMs = Date.now();
    const records = settle(this.#state, settlements, nowMs);
    for (const { admission } of settlements) this.#admissionLeases.delete(admission);
    await this.#store(records, nowMs);
  }

  /** Keeps long calls open. */
  renew(admissions: readonly number[]): void {
    const untilMs = Date.now() + ADMISSION_LEASE_MS;
    for (const admission of admissions) {
      // Taken out and put in again, so that the leases stay in the order of their ends.
      if (!this.#admissionLeases.delete(admission)) continue;
      this.#admissionLeases.set(admission, untilMs);
      const { grace } = this.#state;
      const survivor = grace !== null && admission <= grace.admission;
      if (survivor && grace.untilMs < untilMs - ADMISSION_LEASE_MS / 2)
        void this.#act(["grace", untilMs, grace.admission]);
    }
  }

  /** What remains and who is trusted. `document`: for a gate that has not seen one of this version yet. */
  async inspect(document: GateDocument | null = null): Promise<GateInspection> {
    const own = inspectGate(this.#state, document, Date.now());
    const pools = new Map<string, PoolTerms>();
    const current =
      document !== null && document.version > (this.#state.document?.version ?? -1) ? document : this.#state.document;
    if (current === null) return own;
    for (const { terms } of compilePools(current).values()) for (const each of terms) pools.set(each.pool, each);
    if (pools.size === 0) return own;
    const shared = await this.#leases.inspect([...pools.values()].slice(0, MAX_INSPECTED_POOLS));
    return { ...own, limits: [...own.limits, ...shared.map((limit) => ({ ...limit, grantId: null }))] };
  }

  /** From now on no document older than this is accepted. Returns once that is durable. */
  async require(minVersion: number): Promise<void> {
    if (minVersion <= this.#state.minVersion) return this.#commits.commit([]);
    await this.#act(["require", minVersion]);
  }

  /** Revokes for good. Returns once no later request can be admitted. */
  async revoke(version: number): Promise<void> {
    if (this.#state.revokedVersion !== null) return this.#commits.commit([]);
    await this.#act(["revoke", version]);
  }

  /** The audit database holds these events and notices. */
  async acknowledge(
    ranges: readonly (readonly [from: number, to: number])[],
    notices: readonly string[] = [],
  ): Promise<void> {
    const { outbox } = this.#state;
    const news = outbox.some((event) =>
      ranges.some(([from, to]) => event[EVENT_SEQ] >= from && event[EVENT_SEQ] <= to),
    );
    if (!news && !notices.some((id) => this.#state.notices.has(id))) return;
    apply(this.#state, ["delivered", ranges, notices]);
    this.#delivery.confirmed(this.#state);
    await this.#store([["delivered", ranges, notices]], Date.now());
  }

  listTrusted(): GateInspection["trustedAddresses"] {
    return inspectGate(this.#state, null, Date.now()).trustedAddresses;
  }

  /** Trusts an IPv4 address or an IPv6 /64 (`2001:db8::/64`, or any address in it). */
  async addTrusted(address: string): Promise<TrustChange> {
    const key = addressKey(address);
    if (key === null) return { ok: false, reason: "invalid_address" };
    if (this.#state.trusted.size >= MAX_TRUSTED_ADDRESSES) return { ok: false, reason: "too_many" };
    await this.#act(["trust", this.#nowMs(), key, "admin"]);
    return { ok: true, address: key };
  }

  async removeTrusted(address: string): Promise<TrustChange> {
    const key = addressKey(address);
    if (key === null) return { ok: false, reason: "invalid_address" };
    if (!this.#state.trusted.has(key)) return { ok: false, reason: "not_found" };
    await this.#act(["distrust", this.#nowMs(), key]);
    return { ok: true, address: key };
  }

  /** Uses a confirmation: once, within its time, for the address it was asked for. */
  async confirm(confirmationId: string, address: string): Promise<ConfirmReply> {
    return this.#answerAsk("confirm", confirmationId, address);
  }

  /** The recipient says that it was somebody else: the confirmation is void. */
  async denyAddress(confirmationId: string, address: string): Promise<ConfirmReply> {
    return this.#answerAsk("deny", confirmationId, address);
  }

  override async alarm(): Promise<void> {
    this.#alarmMs = null;
    const nowMs = this.#nowMs();
    const records: GateRecord[] = [];
    for (const [admission, untilMs] of this.#admissionLeases) {
      if (untilMs > nowMs) continue;
      this.#admissionLeases.delete(admission);
      records.push(["expire", nowMs, admission]);
    }
    for (const { sample, reason, firstMs, count } of this.#fold.take(nowMs)) {
      records.push(["refuse", firstMs, sample.facts, reason, sample.status, 0, count]);
    }
    for (const record of records) apply(this.#state, record);
    await this.#commits.commit(records);
    await this.#delivery.deliver(this.#credentialId, this.#state, this.#durableSeq, nowMs);
    if (this.#leases.owes()) await this.#leases.report();
    this.#schedule(nowMs);
  }

  async #answerAsk(kind: "confirm" | "deny", confirmationId: string, address: string): Promise<ConfirmReply> {
    const nowMs = this.#nowMs();
    const reason = confirmFailure(this.#state.confirmations.get(confirmationId), address, nowMs);
    if (reason !== null) return { ok: false, reason };
    await this.#act([kind, nowMs, confirmationId]);
    return { ok: true };
  }

  #act(record: GateRecord): Promise<void> {
    apply(this.#state, record);
    return this.#store([record], Date.now());
  }

  /** Stores records that are already part of the state. */
  #store(records: readonly GateRecord[], nowMs: number): Promise<void> {
    this.#schedule(nowMs);
    return this.#commits.commit(records);
  }

  #nowMs(): number {
    return Math.max(Date.now(), this.#state.clockMs);
  }

  /** Sets the alarm when none is set, or when something is due earlier. One alarm serves many requests. */
  #schedule(nowMs: number): void {
    if (this.#alarmMs !== null && this.#alarmMs <= nowMs + this.#gatherMs) return;
    let dueMs = this.#delivery.dueMs(this.#state, nowMs, this.#gatherMs) ?? Infinity;
    // Leases stand in the order of their ends.
    dueMs = Math.min(dueMs, this.#admissionLeases.values().next().value ?? Infinity, this.#fold.dueMs() ?? Infinity);
    if (this.#leases.owes()) dueMs = Math.min(dueMs, nowMs + REPORT_DELAY_MS);
    if (dueMs === Infinity || (this.#alarmMs !== null && this.#alarmMs <= dueMs)) return;
    this.#alarmMs = dueMs;
    void this.ctx.storage.setAlarm(dueMs);
  }
}

function newConfirmationId(): string {
  return newId("cfm", crypto.getRandomValues(new Uint8Array(ID_RANDOM_BYTES)));
}

/** The name under which an address is trusted: an IPv4 address, or an IPv6 /64; null for anything else. */
function addressKey(text: string): string | null {
  const block = parseBlock(text);
  if (block === null) return null;
  if (block.bytes.length === 4) return block.bits === 32 ? formatBlock(block) : null;
  return block.bits >= 64 ? trustKey(formatAddress(block.bytes)) : null;
}
