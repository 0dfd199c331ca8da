/**
 * All payment authorizations of one payer in one token on one network: who may use which, and what became of the money.
 *
 * The rules are in src/domain/payment-nonce.ts; this class stores, asks the facilitator and times. A settlement is written
 * down before the facilitator is asked, so that after a crash it is asked again instead of forgotten. Nothing read before a
 * wait is used after it.
 */
import { DurableObject } from "cloudflare:workers";
import {
  afterSettle,
  beginSettle,
  claim,
  deliver,
  forgettable,
  giveBack,
  interrupted,
  lateOutcome,
  release,
  renewLease,
  resumeSettle,
  type Claim,
  type LateOutcome,
  type NonceRecord,
} from "../domain/payment-nonce.ts";
import type { AuditMessage } from "./audit-messages.ts";
import { settlePayment, type FacilitatorOrder } from "./facilitator.ts";

const MAX_DUE_ROWS = 50;
/** The alarm gathers what is due within this time. */
const ALARM_STEP_MS = 500;

export interface PaymentNoncesEnv {
  readonly AUDIT_QUEUE: Queue<AuditMessage>;
  readonly ALLOW_PRIVATE_UPSTREAMS?: string;
}

export type ReserveReply =
  | { readonly kind: "reserved" }
  | { readonly kind: "paid"; readonly transaction: string }
  | { readonly kind: "replayed"; readonly transaction: string }
  /** `busy`: another call uses it now. `unknown`: nobody knows yet whether it was settled. `stale`: too old to begin with. */
  | { readonly kind: "busy" | "unknown" | "stale" };

export type SettleReply =
  | { readonly kind: "settled"; readonly transaction: string }
  | { readonly kind: "failed"; readonly reason: string }
  /** `lost`: the lease ended, somebody else may hold the payment. */
  | { readonly kind: "unknown" | "lost" };

interface Row {
  readonly record: NonceRecord;
  readonly order: FacilitatorOrder;
}

export class PaymentNonces extends DurableObject<PaymentNoncesEnv> {
  readonly #sql: SqlStorage;
  readonly #asking = new Map<string, Promise<SettleReply>>();
  #alarmMs: number | null = null;

  constructor(ctx: DurableObjectState, env: PaymentNoncesEnv) {
    super(ctx, env);
    this.#sql = ctx.storage.sql;
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS nonce (
         nonce TEXT PRIMARY KEY, payment_id TEXT, due_ms INTEGER, schema INTEGER NOT NULL, record TEXT NOT NULL, "order" TEXT NOT NULL)`,
    );
    this.#sql.exec("CREATE INDEX IF NOT EXISTS nonce_due ON nonce (due_ms) WHERE due_ms IS NOT NULL");
    this.#sql.exec("CREATE INDEX IF NOT EXISTS nonce_payment_id ON nonce (payment_id) WHERE payment_id IS NOT NULL");
  }

  /** Takes the payment for one request, or says why not. A settlement without clear answer is asked about again first. */
  async reserve(wish: Claim, order: FacilitatorOrder): Promise<ReserveReply> {
    for (let round = 0; ; round += 1) {
      const row = this.#read(wish.nonce);
      const verdict = claim(row?.record ?? null, this.#named(wish.paymentId), wish, Date.now());
      if (verdict.kind === "reserved" || verdict.kind === "paid") {
        // Money that came keeps the order by which it came.
        this.#write(verdict.record, verdict.kind === "paid" && row !== null ? row.order : order);
        return verdict.kind === "paid"
          ? { kind: "paid", transaction: verdict.record.transaction }
          : { kind: "reserved" };
      }
      if (verdict.kind === "stale") return { kind: "stale" };
      if (verdict.kind === "replayed") return { kind: "replayed", transaction: row?.record.transaction ?? "" };
      // Settling without a holder: it is being asked about again, and this call may wait for the answer.
      const pending = row !== null && (verdict.kind === "unresolved" || row.record.holder === null);
      if (row === null || !pending) return { kind: "busy" };
      if (round > 0) return { kind: "unknown" };
      await this.#resume(row);
    }
  }

  /** False: the request holds the payment no more. */
  renew(nonce: string, requestId: string): Promise<boolean> {
    return Promise.resolve(this.#change(nonce, (record, nowMs) => renewLease(record, requestId, nowMs)) !== null);
  }

  /** Takes the money. `delivers`: the answer goes out right after; otherwise the payment waits to be delivered for. */
  async settle(nonce: string, requestId: string, delivers: boolean): Promise<SettleReply> {
    const row = this.#read(nonce);
    const begun = beginSettle(row?.record ?? null, requestId, Date.now());
    if (row === null || begun === null) return { kind: "lost" };
    return this.#ask({ record: begun, order: row.order }, delivers);
  }

  /** The answer goes out for money that came before. False: the request holds the payment no more. */
  deliver(nonce: string, requestId: string): Promise<boolean> {
    return Promise.resolve(this.#change(nonce, (record, nowMs) => deliver(record, requestId, nowMs)) !== null);
  }

  /** What was delivered for did not reach the caller. False: this request did not spend the payment. */
  giveBack(nonce: string, requestId: string): Promise<boolean> {
    return Promise.resolve(this.#change(nonce, (record, nowMs) => giveBack(record, requestId, nowMs)) !== null);
  }

  /** Nothing was delivered: a reservation is free again; money that came waits for the next try. */
  release(nonce: string, requestId: string): Promise<void> {
    const row = this.#read(nonce);
    const released = release(row?.record ?? null, requestId);
    if (released.kind === "free") this.#delete(nonce);
    if (released.kind === "keep" && row !== null) this.#write(released.record, row.order);
    return Promise.resolve();
  }

  /** Asks again about settlements without clear answer, and forgets what the chain would refuse anyway. */
  override async alarm(): Promise<void> {
    this.#alarmMs = null;
    const nowMs = Date.now();
    const due = this.#sql
      .exec("SELECT nonce FROM nonce WHERE due_ms <= ? ORDER BY due_ms LIMIT ?", nowMs + ALARM_STEP_MS, MAX_DUE_ROWS)
      .toArray();
    // What fails (the queue is away) is due again later, with all others.
    await Promise.allSettled(
      due.map(async ({ nonce }) => {
        const row = this.#read(String(nonce));
        if (row === null) return;
        if (row.record.state === "unknown") await this.#resume(row);
        else if (forgettable(row.record, nowMs + ALARM_STEP_MS)) this.#delete(row.record.nonce);
      }),
    );
    this.#schedule();
  }

  async #resume(row: Row): Promise<void> {
    const underWay = this.#asking.get(row.record.nonce);
    if (underWay !== undefined) await underWay;
    else await this.#ask({ record: resumeSettle(row.record, Date.now()), order: row.order }, false);
  }

  #ask(row: Row, delivers: boolean): Promise<SettleReply> {
    const { nonce } = row.record;
    this.#write(row.record, row.order);
    const asking = this.#askFacilitator(row, delivers).finally(() => this.#asking.delete(nonce));
    this.#asking.set(nonce, asking);
    // A caller that goes away must not keep the answer from being written down; who stays hears of a failure.
    this.ctx.waitUntil(asking.catch(() => undefined));
    return asking;
  }

  async #askFacilitator({ record, order }: Row, delivers: boolean): Promise<SettleReply> {
    const outcome = await settlePayment(order, {
      fetch: (request) => fetch(request),
      allowPrivate: this.env.ALLOW_PRIVATE_UPSTREAMS === "true",
    });
    const after = afterSettle(record, outcome, delivers, Date.now());
    const late = lateOutcome(record, after);
    // Told before it is written down: what a crash in between undoes is asked, and told, again.
    if (late !== null) await this.#tell(record, late, after?.transaction ?? "");
    if (after === null) {
      this.#delete(record.nonce);
      return { kind: "failed", reason: "reason" in outcome ? outcome.reason : "nonce_already_used" };
    }
    this.#write(after, order);
    return after.state === "unknown" ? { kind: "unknown" } : { kind: "settled", transaction: after.transaction };
  }

  /** No call of its own will bring the news to the owner's list of payments. */
  async #tell({ listed }: NonceRecord, state: LateOutcome, transaction: string): Promise<void> {
    if (listed === undefined) return;
    const { organisationId, reference } = listed;
    const message = { v: 1, kind: "payment", organisation_id: organisationId, reference, state, transaction } as const;
    await this.env.AUDIT_QUEUE.send(message, { contentType: "json" });
  }

  #change(nonce: string, next: (record: NonceRecord | null, nowMs: number) => NonceRecord | null): NonceRecord | null {
    const row = this.#read(nonce);
    const changed = next(row?.record ?? null, Date.now());
    if (changed !== null && row !== null) this.#write(changed, row.order);
    return changed;
  }

  #read(nonce: string): Row | null {
    const found = this.#sql
      .exec('SELECT record, "order" FROM nonce WHERE nonce = ? AND schema = 1', nonce)
      .toArray()[0];
    if (found === undefined) return null;
    const record = JSON.parse(String(found["record"])) as NonceRecord;
    const order = JSON.parse(String(found["order"])) as FacilitatorOrder;
    const lost = record.state === "settling" && !this.#asking.has(nonce);
    return { record: lost ? interrupted(record, Date.now()) : record, order };
  }

  /** The record with this payment identifier, if it still counts. */
  #named(paymentId: string | null): NonceRecord | null {
    if (paymentId === null) return null;
    const found = this.#sql.exec("SELECT record FROM nonce WHERE payment_id = ? LIMIT 1", paymentId).toArray()[0];
    return found === undefined ? null : (JSON.parse(String(found["record"])) as NonceRecord);
  }

  #write(record: NonceRecord, order: FacilitatorOrder): void {
    this.#sql.exec(
      `INSERT INTO nonce (nonce, payment_id, due_ms, schema, record, "order") VALUES (?, ?, ?, 1, ?, ?)
       ON CONFLICT (nonce) DO UPDATE SET payment_id = excluded.payment_id, due_ms = excluded.due_ms,
         record = excluded.record, "order" = excluded."order"`,
      record.nonce,
      record.paymentId,
      record.dueMs,
      JSON.stringify(record),
      JSON.stringify(order),
    );
    if (record.dueMs !== null) this.#alarmBy(record.dueMs);
  }

  #delete(nonce: string): void {
    this.#sql.exec("DELETE FROM nonce WHERE nonce = ?", nonce);
  }

  #schedule(): void {
    const next = this.#sql.exec("SELECT min(due_ms) AS due FROM nonce").toArray()[0]?.["due"];
    if (typeof next === "number") this.#alarmBy(next);
  }

  #alarmBy(dueMs: number): void {
    const atMs = Math.max(dueMs, Date.now()) + ALARM_STEP_MS;
    if (this.#alarmMs !== null && this.#alarmMs <= atMs) return;
    this.#alarmMs = atMs;
    // Storage failures abort the object, so there is nothing to handle here.
    void this.ctx.storage.setAlarm(atMs);
  }
}
