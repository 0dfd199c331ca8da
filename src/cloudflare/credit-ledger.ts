/**
 * One prepaid account: of a recipient (a team, a service …) or of an end customer.
 *
 * The rules are in src/domain/credits.ts; this class stores what they give. Every call first closes the holds whose time is
 * over, so that no timer is needed: whoever looks, sees what holds now. All writes of one call are one commit.
 */
import { DurableObject } from "cloudflare:workers";
import {
  availableUsdMicros,
  expireHolds,
  heldUsdMicros,
  hold,
  markDelivered,
  move,
  settleHold,
  type CreditAccount,
  type CreditHold,
  type Movement,
  type MovementKind,
} from "../domain/credits.ts";

export const MAX_STATEMENT_ROWS = 200;

export interface CreditBalance {
  readonly balanceUsdMicros: number;
  readonly heldUsdMicros: number;
  readonly availableUsdMicros: number;
}

/** A call is over: what its hold is charged; null: all of it; 0: nothing. Closing twice changes nothing. */
export interface HoldClosing {
  readonly id: string;
  readonly usdMicros: number | null;
}

export interface CreditReply extends CreditBalance {
  readonly granted: boolean;
}

export class CreditLedger extends DurableObject<object> {
  readonly #sql: SqlStorage;
  #account: CreditAccount;

  constructor(ctx: DurableObjectState, env: object) {
    super(ctx, env);
    this.#sql = ctx.storage.sql;
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS movement (seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, kind TEXT NOT NULL,
         usd_micros INTEGER NOT NULL, balance_usd_micros INTEGER NOT NULL, reference TEXT NOT NULL, note TEXT NOT NULL,
         UNIQUE (kind, reference))`,
    );
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS hold (id TEXT PRIMARY KEY, usd_micros INTEGER NOT NULL, expires_at_ms INTEGER NOT NULL,
         delivered INTEGER NOT NULL)`,
    );
    this.#account = this.#load();
  }

  /**
   * Sets an amount aside for a call, after the calls that are over by now were closed. An id that was charged before is
   * refused: one call, one charge.
   */
  hold(id: string, usdMicros: number, lifetimeMs: number, over: readonly HoldClosing[] = []): Promise<CreditReply> {
    this.#expire();
    this.#closeAll(over);
    if (this.#rows("WHERE kind = 'charge' AND reference = ?", id).length > 0) {
      return Promise.resolve({ granted: false, ...this.#balance() });
    }
    const expiresAtMs = Date.now() + lifetimeMs;
    const held = hold(this.#account, { id, usdMicros, expiresAtMs, delivered: false });
    if (held.ok) this.#keep(held.value, []);
    return Promise.resolve({ granted: held.ok, ...this.#balance() });
  }

  /** The call's answer goes out: should nobody close the hold, it is charged in full. */
  delivered(id: string): Promise<void> {
    this.#expire();
    this.#keep(markDelivered(this.#account, id), []);
    return Promise.resolve();
  }

  close(closings: readonly HoldClosing[]): Promise<void> {
    this.#expire();
    this.#closeAll(closings);
    return Promise.resolve();
  }

  /** Adds a movement once per kind and reference. `granted` is false when the balance would leave its range. */
  move(
    kind: Exclude<MovementKind, "charge">,
    usdMicros: number,
    reference: string,
    note: string,
  ): Promise<CreditReply & { readonly movement: Movement | null }> {
    this.#expire();
    const known = this.#rows("WHERE kind = ? AND reference = ?", kind, reference)[0];
    if (known !== undefined) return Promise.resolve({ granted: true, movement: known, ...this.#balance() });
    const step = move(this.#account, { atMs: Date.now(), kind, usdMicros, reference, note });
    if (step.ok) this.#keep(step.value.account, step.value.movements);
    const movement = step.ok ? (step.value.movements[0] ?? null) : null;
    return Promise.resolve({ granted: step.ok, movement, ...this.#balance() });
  }

  inspect(): Promise<CreditBalance> {
    this.#expire();
    return Promise.resolve(this.#balance());
  }

  /** Movements before `beforeSeq` (null: from the newest), newest first. */
  statement(limit: number, beforeSeq: number | null): Promise<readonly Movement[]> {
    this.#expire();
    const before = beforeSeq ?? Number.MAX_SAFE_INTEGER;
    return Promise.resolve(
      this.#rows("WHERE seq < ? ORDER BY seq DESC LIMIT ?", before, Math.min(limit, MAX_STATEMENT_ROWS)),
    );
  }

  #closeAll(closings: readonly HoldClosing[]): void {
    for (const { id, usdMicros } of closings) {
      const step = settleHold(this.#account, id, usdMicros, Date.now());
      this.#keep(step.account, step.movements);
    }
  }

  #expire(): void {
    const step = expireHolds(this.#account, Date.now());
    this.#keep(step.account, step.movements);
  }

  #balance(): CreditBalance {
    return {
      balanceUsdMicros: this.#account.balanceUsdMicros,
      heldUsdMicros: heldUsdMicros(this.#account),
      availableUsdMicros: availableUsdMicros(this.#account),
    };
  }

  /** Writes the difference; memory and storage change in the same turn. */
  #keep(next: CreditAccount, movements: readonly Movement[]): void {
    const before = this.#account;
    if (next === before) return;
    for (const each of movements) {
      this.#sql.exec(
        "INSERT INTO movement VALUES (?, ?, ?, ?, ?, ?, ?)",
        each.seq,
        each.atMs,
        each.kind,
        each.usdMicros,
        each.balanceUsdMicros,
        each.reference,
        each.note,
      );
    }
    for (const id of before.holds.keys()) {
      if (!next.holds.has(id)) this.#sql.exec("DELETE FROM hold WHERE id = ?", id);
    }
    for (const each of next.holds.values()) {
      if (before.holds.get(each.id) === each) continue;
      const delivered = each.delivered ? 1 : 0;
      this.#sql.exec(
        "INSERT OR REPLACE INTO hold VALUES (?, ?, ?, ?)",
        each.id,
        each.usdMicros,
        each.expiresAtMs,
        delivered,
      );
    }
    this.#account = next;
  }

  #load(): CreditAccount {
    const last = this.#rows("ORDER BY seq DESC LIMIT 1")[0];
    const holds = new Map<string, CreditHold>();
    for (const row of this.#sql.exec("SELECT id, usd_micros, expires_at_ms, delivered FROM hold")) {
      const id = String(row["id"]);
      holds.set(id, {
        id,
        usdMicros: Number(row["usd_micros"]),
        expiresAtMs: Number(row["expires_at_ms"]),
        delivered: row["delivered"] === 1,
      });
    }
    return { seq: last?.seq ?? 0, balanceUsdMicros: last?.balanceUsdMicros ?? 0, holds };
  }

  #rows(rest: string, ...values: readonly (string | number)[]): Movement[] {
    const rows = this.#sql.exec(
      `SELECT seq, at_ms, kind, usd_micros, balance_usd_micros, reference, note FROM movement ${rest}`,
      ...values,
    );
    return [...rows].map((row) => ({
      seq: Number(row["seq"]),
      atMs: Number(row["at_ms"]),
      kind: String(row["kind"]) as MovementKind,
      usdMicros: Number(row["usd_micros"]),
      balanceUsdMicros: Number(row["balance_usd_micros"]),
      reference: String(row["reference"]),
      note: String(row["note"]),
    }));
  }
}
