/**
 * A pool's rows in its Durable Object's SQLite: leases, counters, and the number of the next lease. Synchronous; all
 * writes of one turn are committed together, before any reply leaves the object.
 *
 * Tables: meta(name, value), lease(id, text), count(key, text). Among `meta` is the pool's own name, since an object that its
 * alarm woke may not be told it. Held units are not stored: they follow from open leases.
 */
import { newPool, restoreLease, type Pool, type PoolLease } from "../domain/pool.ts";
import type { Count } from "../domain/pool-counters.ts";

/** Forms of the rows. A new form gets a new number and reads the old one. */
const SCHEMA = 1;
/** Lease numbers are reserved in blocks, so that a grant writes one row; a restart skips the rest of its block. */
const NUMBER_BLOCK = 1_000;

type StoredLease = Omit<PoolLease, "askAtMs">;

export class PoolStore {
  readonly #sql: SqlStorage;
  #reserved = 0;
  #name: string | null = null;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  load(nowMs: number): Pool {
    const sql = this.#sql;
    const tables = sql.exec("SELECT name FROM sqlite_master WHERE name = 'meta'").toArray();
    // A pool that was never used, or was cleared, starts with the time: above every number it may have given before.
    if (tables.length === 0) return newPool(nowMs);
    const schema = this.#meta("schema");
    if (schema !== String(SCHEMA)) throw new Error(`A pool of schema ${schema} cannot be read`);
    this.#reserved = Number(this.#meta("reserved") ?? nowMs);
    this.#name = this.#meta("name");
    const pool = newPool(this.#reserved);
    for (const row of sql.exec("SELECT key, text FROM count")) {
      const count = JSON.parse(String(row["text"])) as Count;
      count.held = 0;
      if (count.kind === "window") count.heldByGate = {};
      pool.counts.set(String(row["key"]), count);
    }
    for (const row of sql.exec("SELECT text FROM lease")) {
      const lease = JSON.parse(String(row["text"])) as StoredLease;
      restoreLease(pool, { ...lease, askAtMs: lease.expiresAtMs }, nowMs);
    }
    return pool;
  }

  /** As it was saved; null: not yet. */
  get name(): string | null {
    return this.#name;
  }

  /** Writes what changed since the last call. `name`: the pool's. */
  save(pool: Pool, name: string | null): void {
    const { changed } = pool;
    if (changed.leases.size === 0 && changed.counts.size === 0) return;
    if (this.#reserved === 0) this.#create();
    if (name !== null && name !== this.#name) {
      this.#name = name;
      this.#setMeta("name", name);
    }
    if (pool.next > this.#reserved) {
      this.#reserved = pool.next + NUMBER_BLOCK;
      this.#setMeta("reserved", this.#reserved);
    }
    for (const id of changed.leases) {
      const lease = pool.leases.get(id);
      if (lease === undefined) this.#sql.exec("DELETE FROM lease WHERE id = ?", id);
      else this.#put("lease", id, stored(lease));
    }
    for (const key of changed.counts) {
      const count = pool.counts.get(key);
      if (count === undefined) this.#sql.exec("DELETE FROM count WHERE key = ?", key);
      else this.#put("count", key, count);
    }
    changed.leases.clear();
    changed.counts.clear();
  }

  /** The storage has been emptied; the next save begins anew. */
  cleared(): void {
    this.#reserved = 0;
    this.#name = null;
  }

  #create(): void {
    this.#sql.exec("CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL)");
    this.#sql.exec("CREATE TABLE IF NOT EXISTS lease (id TEXT PRIMARY KEY, text TEXT NOT NULL)");
    this.#sql.exec("CREATE TABLE IF NOT EXISTS count (key TEXT PRIMARY KEY, text TEXT NOT NULL)");
    this.#setMeta("schema", SCHEMA);
  }

  #put(table: "lease" | "count", key: string, value: StoredLease | Count): void {
    const column = table === "lease" ? "id" : "key";
    this.#sql.exec(
      `INSERT INTO ${table} (${column}, text) VALUES (?, ?) ON CONFLICT (${column}) DO UPDATE SET text = excluded.text`,
      key,
      JSON.stringify(value),
    );
  }

  #meta(name: string): string | null {
    const row = this.#sql.exec("SELECT value FROM meta WHERE name = ?", name).toArray()[0];
    return row === undefined ? null : String(row["value"]);
  }

  #setMeta(name: string, value: number | string): void {
    this.#sql.exec(
      "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
      name,
      value,
    );
  }
}

function stored(lease: PoolLease): StoredLease {
  const { askAtMs: _askAtMs, ...rest } = lease;
  return rest;
}
