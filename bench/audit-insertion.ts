/**
 * What it costs to put events on record while millions are there: the audit Worker's own statement, on the database's file,
 * in messages and transactions as the queue brings them.
 */
import type { DatabaseSync } from "node:sqlite";
import { GENESIS_HASH, sealEvent, type EventTuple } from "../src/domain/chain.ts";
import { ID_RANDOM_BYTES, newTimedId } from "../src/domain/ids.ts";
import { INSERT_EVENTS } from "../src/store/audit-events.ts";
import { quantile } from "./quantile.ts";

const MESSAGES = 100;
const EVENTS_PER_MESSAGE = 100;
const MESSAGES_PER_TRANSACTION = 10;

const ROUNDS = 5;

/** The middle one of some rounds, since another process may take the machine during one of them. */
export function measureInsertion(database: DatabaseSync, nowMs: number): number {
  const rounds = Array.from({ length: ROUNDS }, (_, at) => insertMany(database, nowMs + at * 60_000));
  return quantile(rounds, 0.5);
}

let round = 0;

function insertMany(database: DatabaseSync, nowMs: number): number {
  round += 1;
  const messages = Array.from({ length: MESSAGES }, (_, at) => message(at, nowMs));
  const insert = database.prepare(INSERT_EVENTS);
  insert.run(JSON.stringify(messages[0]));
  let spentMs = 0;
  for (let at = 1; at < messages.length; at += MESSAGES_PER_TRANSACTION) {
    const texts = messages.slice(at, at + MESSAGES_PER_TRANSACTION).map((events) => JSON.stringify(events));
    const startedMs = performance.now();
    database.exec("BEGIN");
    for (const text of texts) insert.run(text);
    database.exec("COMMIT");
    spentMs += performance.now() - startedMs;
  }
  return (spentMs * 1_000) / ((MESSAGES - 1) * EVENTS_PER_MESSAGE);
}

function message(at: number, nowMs: number): EventTuple[] {
  return Array.from({ length: EVENTS_PER_MESSAGE }, (_, place) => {
    const number = at * EVENTS_PER_MESSAGE + place;
    const k = number % 40;
    return sealEvent([
      "org_default",
      `dcred_bench_${round}_${k}`,
      Math.floor(number / 40) + 1,
      Math.floor(number / 40) + 1,
      nowMs + number * 5,
      k % 5 < 3 ? `rcpt_${k}` : null,
      `conn_vendor${k % 25}`,
      `grant_${k}`,
      number % 3 === 0 ? `customer-${number % 500}` : null,
      "production",
      number % 4 === 0 ? "POST" : "GET",
      `/v1/collection${k % 20}/item_${(number * 7_919) % 50_000}`,
      `operation${k}`,
      "allowed",
      "ok",
      200,
      200,
      1,
      60,
      55,
      120,
      4_000,
      null,
      `203.0.113.${k}`,
      "vendor-sdk/4.4.2 (node 24.1.0; linux x64) service-7",
      newTimedId("req", nowMs + number * 5, crypto.getRandomValues(new Uint8Array(ID_RANDOM_BYTES))),
      "ucred_1",
      1,
      "{}",
      GENESIS_HASH,
    ]);
  });
}
