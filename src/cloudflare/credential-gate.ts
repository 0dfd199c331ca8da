/**
 * The gate of one credential: the authority on whether it may be used now, and the journal of every request it decided.
 *
 * What always holds: a reply goes out only after the records behind it are durable; whoever is told of a revocation can
 * rely on it. The rules are in src/domain/gate.ts; storing, timing and sending in gate-journal.ts.
 */
import { DurableObject } from "cloudflare:workers";
import type { AdmissionReply, AdmissionRequest, GateDocument, Settlement } from "../domain/admission.ts";
import type { Turn } from "../domain/gate.ts";
import { decide, settle } from "../domain/gate.ts";
import { apply } from "../domain/gate-apply.ts";
import type { GateInspection } from "../domain/gate-inspect.ts";
import { inspectGate } from "../domain/gate-inspect.ts";
import { quotaTerms, compilePools, termsOf } from "../domain/gate-pools.ts";
import type { GateRecord } from "../domain/gate-records.ts";
import { SHARED_LIMIT_UNKNOWN } from "../domain/gate-refusals.ts";
import { MAX_TRUSTED_ADDRESSES } from "../domain/gate-state.ts";
import { ID_RANDOM_BYTES, newId } from "../domain/ids.ts";
import type { LeaseClosing, LeaseReport, PoolTerms } from "../domain/lease.ts";
import { closingReports } from "../domain/lease-use.ts";
import type { Refusal } from "../domain/problem.ts";
import type { ConfirmFailure } from "../domain/trust.ts";
import { confirmFailure, trustKeyOf } from "../domain/trust.ts";
import type { ConnectionHold } from "./connection-state.ts";
import { GateHolds } from "./gate-holds.ts";
import type { CredentialGateEnv } from "./gate-journal.ts";
import { GateJournal } from "./gate-journal.ts";

/** Times that one call asks for leases before it is refused. */
const MAX_LEASE_ROUNDS = 16;
/** Calls that may wait for leases at the same time. */
const MAX_LEASE_WAITERS = 2_000;
const MAX_INSPECTED_POOLS = 16;

export type TrustChange =
  | { readonly ok: true; readonly address: string }
  | { readonly ok: false; readonly reason: "invalid_address" | "too_many" | "not_found" };

export type ConfirmReply = { readonly ok: true } | { readonly ok: false; readonly reason: ConfirmFailure };

export class CredentialGate extends DurableObject<CredentialGateEnv> {
  readonly #journal: GateJournal;
  readonly #holds = new GateHolds();
  #waitingForLeases = 0;

  constructor(ctx: DurableObjectState, env: CredentialGateEnv) {
    super(ctx, env);
    this.#journal = new GateJournal(ctx, env);
  }

  /** Decides one request; the settlements that ride along are closed first. */
  async admit(request: AdmissionRequest): Promise<AdmissionReply> {
    const turn = this.#decide(request, null);
    if (turn.reply === null) return this.#admitOnLease(request, turn);
    if (turn.records.length > 0) {
      const storing = turn.reply.decision === "refused" ? "storeAndSend" : "store";
      await this.#journal[storing](turn.records, Date.now());
    }
    return this.#withSharedLimits(request, turn.reply);
  }

  /**
   * Decides several requests in their order, with one commit. Null: this one needs leases that are to be fetched first, and
   * nobody else is to wait for that; its settlements are closed, and it is to be asked again alone.
   */
  async admitTogether(requests: readonly AdmissionRequest[]): Promise<(AdmissionReply | null)[]> {
    const turns = requests.map((request) => ({ request, turn: this.#decide(request, null) }));
    const records = turns.flatMap(({ turn }) => turn.records);
    if (records.length > 0) await this.#journal.store(records, Date.now());
    return turns.map(({ request, turn }) => turn.reply && this.#withSharedLimits(request, turn.reply));
  }

  #decide(request: AdmissionRequest, exhausted: Refusal | null): Turn {
    for (const { admission } of request.settlements) this.#journal.admissionLeases.close(admission);
    const nowMs = Date.now();
    const turn = this.#turn(request, exhausted, nowMs);
    if (turn.fold !== null) {
      const { facts, reason, status } = turn.fold;
      this.#journal.fold.add(reason, `${reason} ${facts[2] ?? ""}`, { facts, status }, nowMs);
      this.#journal.schedule(nowMs);
    }
    if (turn.reply?.decision === "go") {
      this.#journal.admissionLeases.open(turn.reply.admission, nowMs);
      this.#learnHolds(request.connectionId, nowMs);
      this.#journal.scheduleCall(nowMs);
    }
    return turn;
  }

  #turn(request: AdmissionRequest, exhausted: Refusal | null, nowMs: number): Turn {
    try {
      return decide(this.#journal.state, request, {
        nowMs,
        confirmationId: newConfirmationId,
        ownEvent: (reason, atMs) => this.#journal.fold.ownEvent(reason, atMs),
        hold: this.#holds.refusal(request.connectionId, nowMs),
        exhausted,
      });
    } catch (error) {
      // Part of a turn may be in memory, and nothing of it on disk: what is there must not be built upon.
      this.ctx.abort("The gate could not decide");
      throw error;
    }
  }

  /** Leases of shared limits are missing: brings them, and decides again by what holds then. */
  async #admitOnLease(request: AdmissionRequest, first: Turn): Promise<AdmissionReply> {
    const stored = [this.#journal.store(first.records, Date.now())];
    const settled = { ...request, settlements: [] };
    let turn = first;
    for (let round = 0; turn.reply === null; round += 1) {
      let refusal: Refusal | null = SHARED_LIMIT_UNKNOWN;
      if (round < MAX_LEASE_ROUNDS && this.#waitingForLeases < MAX_LEASE_WAITERS) {
        this.#waitingForLeases += 1;
        try {
          refusal = await this.#journal.leases.obtain(turn.demands);
        } catch {
          refusal = SHARED_LIMIT_UNKNOWN;
        } finally {
          this.#waitingForLeases -= 1;
        }
      }
      turn = this.#decide(settled, refusal);
      stored.push(this.#journal.store(turn.records, Date.now()));
    }
    await Promise.all(stored);
    return this.#withSharedLimits(request, turn.reply);
  }

  #withSharedLimits(request: AdmissionRequest, reply: AdmissionReply): AdmissionReply {
    if (reply.decision !== "go" && reply.decision !== "refused") return reply;
    const terms = this.#termsOf(request.grantId, request.customer);
    if (terms.length === 0) return reply;
    const shared = this.#journal.leases.statuses(terms, Date.now());
    return shared.length === 0 ? reply : { ...reply, limits: [...reply.limits, ...shared] };
  }

  #termsOf(grantId: string | null, customer: string | null): readonly PoolTerms[] {
    return termsOf(this.#journal.state.pools, this.#journal.state.document?.organisationId ?? "", grantId, customer);
  }

  /** A gate that uses a connection often wants to hear at once when the vendor asks everyone to wait. */
  #learnHolds(connectionId: string | null, nowMs: number): void {
    const { document } = this.#journal.state;
    if (connectionId === null || document === null || !this.#holds.called(connectionId, nowMs)) return;
    const { HEALTH } = this.env;
    this.ctx.waitUntil(
      this.#holds.subscribe(HEALTH, this.#journal.credentialId, document.organisationId, connectionId),
    );
  }

  /** A connection's object says: no calls before `untilMs`, or (0) calls may go again. */
  async hold(hold: ConnectionHold): Promise<void> {
    this.#holds.hold(hold);
  }

  /** A pool of a shared limit recalls leases, or asks what became of them. */
  async closeLeases(closing: LeaseClosing): Promise<LeaseReport[]> {
    const record: GateRecord = ["lease", { op: "close", closing, nowMs: Date.now() }];
    apply(this.#journal.state, record);
    const reports = closingReports(this.#journal.state.leases, closing);
    await this.#journal.store([record], Date.now());
    return reports;
  }

  /** Closes admissions when no other call came for this to ride on. Those that are unknown or closed already are passed over. */
  async settle(settlements: readonly Settlement[]): Promise<void> {
    const nowMs = Date.now();
    const records = settle(this.#journal.state, settlements, nowMs);
    for (const { admission } of settlements) this.#journal.admissionLeases.close(admission);
    await this.#journal.storeAndSend(records, nowMs);
  }

  /** Whether the vendor's quota has a unit left for a repeat of an admitted call on this grant; takes it. */
  async repeat(grantId: string): Promise<boolean> {
    return this.#journal.leases.drawAgain(quotaTerms(this.#journal.state.pools, grantId));
  }

  /** Keeps long calls open. */
  renew(admissions: readonly number[]): void {
    const nowMs = Date.now();
    for (const admission of admissions) {
      const grace = this.#journal.admissionLeases.renew(this.#journal.state, admission, nowMs);
      if (grace !== null) void this.#journal.act(grace);
    }
  }

  /** What remains and who is trusted. `document`: for a gate that has not seen one of this version yet. */
  async inspect(document: GateDocument | null = null): Promise<GateInspection> {
    const own = inspectGate(this.#journal.state, document, Date.now());
    const pools = new Map<string, PoolTerms>();
    const current =
      document !== null && document.version > (this.#journal.state.document?.version ?? -1)
        ? document
        : this.#journal.state.document;
    if (current === null) return own;
    for (const { terms } of compilePools(current).values()) for (const each of terms) pools.set(each.pool, each);
    if (pools.size === 0) return own;
    const shared = await this.#journal.leases.inspect([...pools.values()].slice(0, MAX_INSPECTED_POOLS));
    return { ...own, limits: [...own.limits, ...shared.map((limit) => ({ ...limit, grantId: null }))] };
  }

  /** From now on no document older than this is accepted. Returns once that is durable. */
  async require(minVersion: number): Promise<void> {
    if (minVersion <= this.#journal.state.minVersion) return this.#journal.store([], Date.now());
    await this.#journal.act(["require", minVersion]);
  }

  /** Revokes for good. Returns once no later request can be admitted. */
  async revoke(version: number): Promise<void> {
    if (this.#journal.state.revokedVersion !== null) return this.#journal.store([], Date.now());
    await this.#journal.act(["revoke", version]);
  }

  /** The audit database holds these events and notices. */
  async acknowledge(
    ranges: readonly (readonly [from: number, to: number])[],
    notices: readonly string[] = [],
  ): Promise<void> {
    this.#journal.acknowledge(ranges, notices);
  }

  override async alarm(): Promise<void> {
    await this.#journal.alarm();
  }

  listTrusted(): GateInspection["trustedAddresses"] {
    return inspectGate(this.#journal.state, null, Date.now()).trustedAddresses;
  }

  /** Trusts an IPv4 address or an IPv6 /64 (`2001:db8::/64`, or any address in it). */
  async addTrusted(address: string): Promise<TrustChange> {
    const key = trustKeyOf(address);
    if (key === null) return { ok: false, reason: "invalid_address" };
    if (this.#journal.state.trusted.size >= MAX_TRUSTED_ADDRESSES) return { ok: false, reason: "too_many" };
    await this.#journal.act(["trust", this.#journal.nowMs(), key, "admin"]);
    return { ok: true, address: key };
  }

  async removeTrusted(address: string): Promise<TrustChange> {
    const key = trustKeyOf(address);
    if (key === null) return { ok: false, reason: "invalid_address" };
    if (!this.#journal.state.trusted.has(key)) return { ok: false, reason: "not_found" };
    await this.#journal.act(["distrust", this.#journal.nowMs(), key]);
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

  async #answerAsk(kind: "confirm" | "deny", confirmationId: string, address: string): Promise<ConfirmReply> {
    const nowMs = this.#journal.nowMs();
    const reason = confirmFailure(this.#journal.state.confirmations.get(confirmationId), address, nowMs);
    if (reason !== null) return { ok: false, reason };
    await this.#journal.act([kind, nowMs, confirmationId]);
    return { ok: true };
  }
}

function newConfirmationId(): string {
  return newId("cfm", crypto.getRandomValues(new Uint8Array(ID_RANDOM_BYTES)));
}
