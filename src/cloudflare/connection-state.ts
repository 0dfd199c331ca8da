/**
 * What all isolates know together about one connection: circuit breaker, the vendor's "wait", access tokens.
 *
 * Lessons (an open breaker, a wait) are stored and pushed to the gates that use the connection, so that everyone stops at
 * once. Tokens stay in memory: they are fetched again after a restart. No secret is ever stored.
 */
import { DurableObject } from "cloudflare:workers";
import { afterOutcomes, claimProbe, CLOSED, heldUntilMs, type Breaker, type BreakerRule } from "../domain/breaker.ts";
import type { AccessToken, LoginFailure } from "../domain/login.ts";
import type { Result } from "../domain/result.ts";
import { canaryVerdict, type CanaryRecord } from "../domain/upstream-choice.ts";
import { TokenLogins, type TokenRequest } from "./token-logins.ts";

/** A subscription ends unless it is renewed. */
const SUBSCRIPTION_MS = 15 * 60_000;
const MAX_SUBSCRIBERS = 5_000;
const PUSHES_AT_ONCE = 50;
const MAX_HOLDS = 64;
const MAX_CANARIES = 32;

/** The vendor wants no calls with this upstream credential until then. */
export interface VendorHold {
  /** Null: whatever the credential. */
  readonly upstreamCredentialId: string | null;
  readonly untilMs: number;
}

export interface ConnectionNews {
  readonly failures: number;
  readonly successes: number;
  readonly probe: boolean;
  readonly holds: readonly VendorHold[];
  /** The connection's breaker; null: none. */
  readonly rule: BreakerRule | null;
  /** What canaries met since the last news, by `canaryKey`. */
  readonly canaries?: Readonly<Record<string, CanaryRecord>>;
}

export interface ConnectionView {
  readonly breaker: Breaker;
  readonly holds: readonly VendorHold[];
  /** Canaries that the vendor refused too often, by `canaryKey`: they are tried last. */
  readonly returned?: readonly string[];
}

/** What is stored: the view's lessons and the canaries' records. */
interface StoredLesson extends ConnectionView {
  readonly canaries?: Readonly<Record<string, CanaryRecord>>;
}

/** Pushed to gates: no call of this connection before `untilMs`; 0: calls may go again. */
export interface ConnectionHold {
  readonly connectionId: string;
  readonly code: "circuit_open" | "vendor_limited";
  readonly untilMs: number;
}

/** What this object calls on a gate. */
export interface HoldListener extends Rpc.DurableObjectBranded {
  hold(hold: ConnectionHold): Promise<void>;
}

export interface ConnectionStateEnv {
  readonly GATES: DurableObjectNamespace<HoldListener>;
  readonly ALLOW_PRIVATE_UPSTREAMS?: string;
}

export class ConnectionState extends DurableObject<ConnectionStateEnv> {
  readonly #tokens: TokenLogins;
  #breaker: Breaker = CLOSED;
  #holds: VendorHold[] = [];
  readonly #canaries = new Map<string, CanaryRecord>();

  constructor(ctx: DurableObjectState, env: ConnectionStateEnv) {
    super(ctx, env);
    const sql = ctx.storage.sql;
    sql.exec("CREATE TABLE IF NOT EXISTS lesson (id INTEGER PRIMARY KEY, schema INTEGER NOT NULL, text TEXT NOT NULL)");
    sql.exec("CREATE TABLE IF NOT EXISTS subscriber (gate TEXT PRIMARY KEY, expires_at_ms INTEGER NOT NULL)");
    const row = sql.exec("SELECT text FROM lesson WHERE id = 1 AND schema = 1").toArray()[0];
    if (typeof row?.["text"] === "string") {
      const stored = JSON.parse(row["text"]) as StoredLesson;
      this.#breaker = stored.breaker;
      this.#holds = [...stored.holds];
      for (const [key, record] of Object.entries(stored.canaries ?? {})) this.#canaries.set(key, record);
    }
    this.#tokens = new TokenLogins(
      env.ALLOW_PRIVATE_UPSTREAMS === "true",
      (request) => fetch(request),
      () => Date.now(),
    );
  }

  /** Takes what an isolate learned and answers with what everyone knows. */
  report(news: ConnectionNews): ConnectionView {
    const nowMs = Date.now();
    const before = this.#breaker;
    if (news.rule !== null) this.#breaker = afterOutcomes(before, news.rule, news, nowMs);
    const held = this.#addHolds(news.holds, nowMs);
    const turned = before.phase !== this.#breaker.phase || heldUntilMs(before) !== heldUntilMs(this.#breaker);
    const learned = this.#addCanaries(news.canaries ?? {});
    if (held || turned || learned) this.#store();
    if (turned) this.#push("circuit_open", heldUntilMs(this.#breaker) ?? 0);
    if (held) this.#push("vendor_limited", this.#allHeldUntilMs());
    return this.#view(nowMs);
  }

  current(): ConnectionView {
    return this.#view(Date.now());
  }

  /** What the calls of all isolates say about a canary (`canaryKey`). */
  canary(key: string): ReturnType<typeof canaryVerdict> {
    return canaryVerdict(this.#canaries.get(key) ?? { accepted: 0, refused: 0 });
  }

  /** Whether the caller may make the probe call of a half-open breaker. */
  probe(): { readonly granted: boolean; readonly view: ConnectionView } {
    const nowMs = Date.now();
    const claimed = claimProbe(this.#breaker, nowMs);
    if (claimed === null) return { granted: false, view: this.#view(nowMs) };
    this.#breaker = claimed;
    this.#store();
    return { granted: true, view: this.#view(nowMs) };
  }

  /** From now on this gate is told about holds, for a quarter of an hour. Answers with the present ones. */
  subscribe(gateId: string): readonly ConnectionHold[] {
    const nowMs = Date.now();
    const sql = this.ctx.storage.sql;
    sql.exec("DELETE FROM subscriber WHERE expires_at_ms <= ?", nowMs);
    const count = Number(sql.exec("SELECT count(*) AS n FROM subscriber").one()["n"]);
    if (count < MAX_SUBSCRIBERS) {
      sql.exec(
        "INSERT INTO subscriber (gate, expires_at_ms) VALUES (?, ?) ON CONFLICT (gate) DO UPDATE SET expires_at_ms = excluded.expires_at_ms",
        gateId,
        nowMs + SUBSCRIPTION_MS,
      );
    }
    const connectionId = this.#connectionId();
    const holds: ConnectionHold[] = [];
    const openUntilMs = this.#breaker.phase === "open" ? this.#breaker.untilMs : 0;
    if (openUntilMs > nowMs) holds.push({ connectionId, code: "circuit_open", untilMs: openUntilMs });
    const heldMs = this.#allHeldUntilMs();
    if (heldMs > nowMs) holds.push({ connectionId, code: "vendor_limited", untilMs: heldMs });
    return holds;
  }

  /** An access token for this key. The secret is used for one login and kept nowhere. */
  token(request: TokenRequest): Promise<Result<AccessToken, LoginFailure>> {
    return this.#tokens.get(request);
  }

  #view(nowMs: number): ConnectionView {
    const returned = [...this.#canaries.keys()].filter((key) => this.canary(key) === "return");
    return { breaker: this.#breaker, holds: this.#holds.filter((hold) => hold.untilMs > nowMs), returned };
  }

  /** Adds up what isolates met; the oldest record goes when there are too many. */
  #addCanaries(news: Readonly<Record<string, CanaryRecord>>): boolean {
    for (const [key, { accepted, refused }] of Object.entries(news)) {
      const known = this.#canaries.get(key) ?? { accepted: 0, refused: 0 };
      const oldest = this.#canaries.keys().next().value;
      if (!this.#canaries.has(key) && this.#canaries.size >= MAX_CANARIES && oldest !== undefined) {
        this.#canaries.delete(oldest);
      }
      this.#canaries.set(key, { accepted: known.accepted + accepted, refused: known.refused + refused });
    }
    return Object.keys(news).length > 0;
  }

  /** Longer waits replace shorter ones; true when something changed. */
  #addHolds(holds: readonly VendorHold[], nowMs: number): boolean {
    let changed = false;
    for (const hold of holds) {
      if (hold.untilMs <= nowMs) continue;
      const known = this.#holds.find((each) => each.upstreamCredentialId === hold.upstreamCredentialId);
      if (known !== undefined && known.untilMs >= hold.untilMs) continue;
      const others = this.#holds.filter((each) => each !== known && each.untilMs > nowMs);
      this.#holds = [...others, hold].slice(-MAX_HOLDS);
      changed = true;
    }
    return changed;
  }

  /** Gates do not know which key a call will use: they are told only of waits that are the whole connection's. */
  #allHeldUntilMs(): number {
    return Math.max(0, ...this.#holds.filter((hold) => hold.upstreamCredentialId === null).map((hold) => hold.untilMs));
  }

  #connectionId(): string {
    return (this.ctx.id.name ?? "").split(":").at(-1) ?? "";
  }

  #store(): void {
    const lesson: StoredLesson = {
      breaker: this.#breaker,
      holds: this.#holds,
      canaries: Object.fromEntries(this.#canaries),
    };
    this.ctx.storage.sql.exec(
      "INSERT INTO lesson (id, schema, text) VALUES (1, 1, ?) ON CONFLICT (id) DO UPDATE SET schema = 1, text = excluded.text",
      JSON.stringify(lesson),
    );
  }

  #push(code: ConnectionHold["code"], untilMs: number): void {
    const rows = this.ctx.storage.sql.exec("SELECT gate FROM subscriber WHERE expires_at_ms > ?", Date.now()).toArray();
    const gates = rows.map((row) => String(row["gate"]));
    if (gates.length > 0)
      this.ctx.waitUntil(this.#pushAll(gates, { connectionId: this.#connectionId(), code, untilMs }));
  }

  async #pushAll(gates: readonly string[], hold: ConnectionHold): Promise<void> {
    for (let at = 0; at < gates.length; at += PUSHES_AT_ONCE) {
      const some = gates.slice(at, at + PUSHES_AT_ONCE);
      // A gate that cannot be told learns from its next call's answer.
      await Promise.allSettled(some.map((gate) => this.env.GATES.getByName(gate).hold(hold)));
    }
  }
}
