/**
 * What a million calls cost at Cloudflare's list prices, by part: reckoned from what the code writes, not billed. Beyond what
 * the paid plan includes.
 */

/** USD per million of each. */
const LIST_PRICES_USD = {
  workerRequest: 0.3,
  /** Processor time, in milliseconds. */
  workerMs: 0.02,
  durableObjectCall: 0.15,
  durableObjectRow: 1,
  /** Of an object with 128 MB in memory: 0.125 GB-seconds at $12.50 per million. */
  durableObjectSecond: 1.5625,
  d1Row: 1,
  /** Written, read and deleted, $0.40 each. */
  queueMessage: 1.2,
} as const;

type Use = Partial<Record<keyof typeof LIST_PRICES_USD, number>>;

/** Per call: when calls come alone, seconds apart, and for a credential that is called by 64 at a time. */
interface Part {
  readonly name: string;
  readonly lone: Use;
  readonly busy: Use;
}

/** Events of a busy credential that travel in one message of the queue. */
const EVENTS_A_MESSAGE = 200;
/** Calls of a busy credential that share one commit of its gate. */
const CALLS_A_COMMIT = 10;

/**
 * In the audit database, for an allowed call that has a recipient and names no customer. Tests hold the rows that the
 * audit Worker and the gate write to what is reckoned here.
 */
const EVENT_ROWS = 11;

function everyCall(name: string, use: Use): Part {
  return { name, lone: use, busy: use };
}

const PARTS: readonly Part[] = [
  everyCall("proxy Worker, one request a call, about two milliseconds of processor time", {
    workerRequest: 1,
    workerMs: 2,
  }),
  {
    name: "gate, one `admit` a call; settlements ride on the next one, or come alone",
    lone: { durableObjectCall: 2 },
    busy: { durableObjectCall: 1 },
  },
  {
    name: "gate, time in which it works: 10 ms for a lone call, one second for a thousand that meet",
    lone: { durableObjectSecond: 0.01 },
    busy: { durableObjectSecond: 0.001 },
  },
  {
    name: `gate's log, one row a commit: a lone call's admission and its settlement, or about ${CALLS_A_COMMIT} calls sharing one`,
    lone: { durableObjectRow: 2 },
    busy: { durableObjectRow: 1 / CALLS_A_COMMIT },
  },
  {
    name: "gate, its alarm (a row and a wake), confirmations and checkpoints",
    lone: { durableObjectRow: 2.05, durableObjectCall: 1 },
    busy: { durableObjectRow: 0.01 + 2 / EVENTS_A_MESSAGE, durableObjectCall: 1 / EVENTS_A_MESSAGE },
  },
  {
    name: `queue, about ${EVENTS_A_MESSAGE} events to a message, or one event when calls are rare`,
    lone: { queueMessage: 1 },
    busy: { queueMessage: 1 / EVENTS_A_MESSAGE },
  },
  {
    name: "audit Worker and its confirmation to the gate, one a message",
    lone: { workerRequest: 1, durableObjectCall: 1 },
    busy: { workerRequest: 1 / EVENTS_A_MESSAGE, durableObjectCall: 1 / EVENTS_A_MESSAGE },
  },
  {
    name: "audit database: the event, its nine indexes, a sum; the numbering of rows, once a message",
    lone: { d1Row: EVENT_ROWS + 1 },
    busy: { d1Row: EVENT_ROWS + 1 / EVENTS_A_MESSAGE },
  },
  everyCall("audit database: the event leaves, once it is archived", { d1Row: 1 }),
];

/** A section of the report: the table by part, with its sums. */
export function costSection(): string {
  const rows = PARTS.map(
    ({ name, lone, busy }) => `| ${name} | ${dollars(costUsd(lone))} | ${dollars(costUsd(busy))} |`,
  );
  const sum = (which: "lone" | "busy") => dollars(PARTS.reduce((total, part) => total + costUsd(part[which]), 0));
  return `## What a million calls cost at Cloudflare's list prices, by part

Reckoned from what the code writes, not billed, beyond what the paid plan includes (\`bench/cost.ts\`).

| part | lone calls, seconds apart | busy credential, 64 at a time |
|---|---:|---:|
${rows.join("\n")}
| archive in R2, gzip segments | under $0.01 | under $0.01 |
| **sum** | **${sum("lone")}** | **${sum("busy")}** |

The audit database is nearly all of it, and of that the indexes that make every search fast. Who searches less drops
\`audit_events_by_path\` and \`audit_events_by_connection\`: two dollars less. Calls more than a minute apart have each head of
their chain signed: two rows more.
`;
}

/** Per million calls. */
function costUsd(use: Use): number {
  const prices = Object.entries(LIST_PRICES_USD) as [keyof typeof LIST_PRICES_USD, number][];
  return prices.reduce((total, [unit, price]) => total + (use[unit] ?? 0) * price, 0);
}

function dollars(usd: number): string {
  return usd < 0.005 ? "under $0.01" : `$${usd.toFixed(2)}`;
}
