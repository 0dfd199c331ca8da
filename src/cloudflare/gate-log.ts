/**
 * A gate's storage: a ring of log rows, a checkpoint, and the closed events that were still undelivered when the
 * checkpoint was made. Tables and keys are listed in src/store/SCHEMA.md.
 *
 * The log is a ring, not a list: a row is overwritten instead of deleted, which halves the rows written per request. It
 * never overwrites what the checkpoint does not hold, since a checkpoint is made, in the same transaction, whenever
 * `CHECKPOINT_ROWS` rows were written since the last one.
 */
import type { EventTuple } from "../domain/chain.ts";
import { EVENT_SEQ } from "../domain/chain.ts";
import { apply } from "../domain/gate-apply.ts";
import type { GateRecord } from "../domain/gate-records.ts";
import type { GateSnapshot, GateState } from "../domain/gate-state.ts";
import { newGateState, restore, snapshot } from "../domain/gate-state.ts";

export const CHECKPOINT_ROWS = 256;
/** One commit takes at most RING_SLOTS - CHECKPOINT_ROWS rows. */
const RING_SLOTS = 512;
const MAX_RECORDS_PER_ROW = 200;
/** SQLite rows hold 2 MB; JSON texts are cut to pieces of this many UTF-16 units, at most three bytes each. */
const MAX_TEXT_CHARS = 500_000;
const MAX_EVENTS_PER_SPILL = 150;

const SCHEMA_VERSION = 1;
const WRITE_LOG =
  "INSERT INTO log (slot, n, records) VALUES (?, ?, ?) ON CONFLICT (slot) DO UPDATE SET n = excluded.n, records = excluded.records";

interface CheckpointHead {
  readonly n: number;
  readonly outbox: readonly (readonly [from: number, to: number])[];
  readonly state: GateSnapshot;
}

export class GateLog {
  readonly #sql: SqlStorage;
  /** Number of the last row written, ever. */
  #n = 0;
  #checkpointN = 0;
  /** Events up to this seq were spilled by an earlier checkpoint, as far as they were undelivered. */
  #spilledTo = 0;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.#migrate();
  }

  /** Rebuilds the state from the checkpoint and the rows after it. */
  load(): GateState {
    const head = this.#readCheckpoint();
    let state = newGateState();
    if (head !== null) {
      state = restore(head.state, this.#readSpilled(head.outbox));
      this.#n = head.n;
      this.#checkpointN = head.n;
      this.#spilledTo = head.state.closed;
    }
    const rows = this.#sql.exec<{ n: number; records: string }>(
      "SELECT n, records FROM log WHERE n > ? ORDER BY n",
      this.#checkpointN,
    );
    for (const { n, records } of rows) {
      if (n !== this.#n + 1) throw new Error(`The gate's log has a hole before row ${n}`);
      for (const record of JSON.parse(records) as readonly GateRecord[]) apply(state, record);
      this.#n = n;
    }
    return state;
  }

  /** Writes the records of one commit. `state` already includes them, and nothing else that is not yet written. */
  append(records: readonly GateRecord[], state: GateState): void {
    for (let at = 0; at < records.length; at += MAX_RECORDS_PER_ROW) {
      const text = JSON.stringify(
        records.length <= MAX_RECORDS_PER_ROW ? records : records.slice(at, at + MAX_RECORDS_PER_ROW),
      );
      this.#n += 1;
      this.#sql.exec(WRITE_LOG, this.#n % RING_SLOTS, this.#n, text);
    }
    if (this.#n - this.#checkpointN > RING_SLOTS)
      throw new Error("One commit wrote more rows than the log's ring holds");
    if (this.#n - this.#checkpointN >= CHECKPOINT_ROWS) this.#checkpoint(state);
  }

  #checkpoint(state: GateState): void {
    const fresh = state.outbox.filter((event) => event[EVENT_SEQ] > this.#spilledTo);
    for (let at = 0; at < fresh.length; at += MAX_EVENTS_PER_SPILL) {
      const events = fresh.slice(at, at + MAX_EVENTS_PER_SPILL);
      const first = events[0]?.[EVENT_SEQ] ?? 0;
      const last = events.at(-1)?.[EVENT_SEQ] ?? 0;
      this.#sql.exec("INSERT INTO spilled (first, last, events) VALUES (?, ?, ?)", first, last, JSON.stringify(events));
    }
    this.#spilledTo = state.closed;
    const oldest = state.outbox[0]?.[EVENT_SEQ] ?? state.closed + 1;
    this.#sql.exec("DELETE FROM spilled WHERE last < ?", oldest);
    const head: CheckpointHead = { n: this.#n, outbox: rangesOf(state.outbox), state: snapshot(state) };
    const text = JSON.stringify(head);
    const pieces = Math.ceil(text.length / MAX_TEXT_CHARS);
    for (let piece = 0; piece < pieces; piece += 1) {
      const part = text.slice(piece * MAX_TEXT_CHARS, (piece + 1) * MAX_TEXT_CHARS);
      this.#sql.exec("INSERT OR REPLACE INTO checkpoint (piece, text) VALUES (?, ?)", piece, part);
    }
    this.#sql.exec("DELETE FROM checkpoint WHERE piece >= ?", pieces);
    this.#checkpointN = this.#n;
  }

  #readCheckpoint(): CheckpointHead | null {
    const rows = this.#sql.exec<{ text: string }>("SELECT text FROM checkpoint ORDER BY piece").toArray();
    return rows.length === 0 ? null : (JSON.parse(rows.map((row) => row.text).join("")) as CheckpointHead);
  }

  #readSpilled(kept: CheckpointHead["outbox"]): EventTuple[] {
    const events: EventTuple[] = [];
    for (const row of this.#sql.exec<{ events: string }>("SELECT events FROM spilled ORDER BY first")) {
      for (const event of JSON.parse(row.events) as readonly EventTuple[]) {
        if (kept.some(([from, to]) => event[EVENT_SEQ] >= from && event[EVENT_SEQ] <= to)) events.push(event);
      }
    }
    return events;
  }

  /** Brings the tables to the version of this code; refuses to touch those of a later one. */
  #migrate(): void {
    this.#sql.exec("CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID");
    const row = this.#sql.exec<{ value: number }>("SELECT value FROM meta WHERE key = 'schema'").toArray()[0];
    const version = row?.value ?? 0;
    if (version > SCHEMA_VERSION) throw new Error(`The gate's storage is of a later version: ${version}`);
    if (version === SCHEMA_VERSION) return;
    this.#sql.exec("CREATE TABLE log (slot INTEGER PRIMARY KEY, n INTEGER NOT NULL, records TEXT NOT NULL)");
    this.#sql.exec("CREATE TABLE checkpoint (piece INTEGER PRIMARY KEY, text TEXT NOT NULL)");
    this.#sql.exec("CREATE TABLE spilled (first INTEGER PRIMARY KEY, last INTEGER NOT NULL, events TEXT NOT NULL)");
    this.#sql.exec("INSERT OR REPLACE INTO meta (key, value) VALUES ('schema', ?)", SCHEMA_VERSION);
  }
}

/** The seqs of the outbox as ranges: usually one. */
function rangesOf(outbox: readonly EventTuple[]): readonly (readonly [from: number, to: number])[] {
  const ranges: [number, number][] = [];
  for (const event of outbox) {
    const seq = event[EVENT_SEQ];
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === seq - 1) last[1] = seq;
    else ranges.push([seq, seq]);
  }
  return ranges;
}
