/**
 * Calls of many requests to the same object, shared. The first goes at once and alone; those that arrive while it is on
 * its way, or right after one that carried many, gather for a moment and go together. A lone request waits for nobody.
 *
 * Lines live as long as their isolate; a call is made by one of the requests that it carries, since bindings belong to a
 * request. That one asks the platform to let the call outlive it, and who is carried along waits for a bounded time: the
 * reply comes out of another request's life. A call that never comes back is forgotten.
 */
import type { CallOff } from "../watch.ts";

/** How long calls gather. */
const GATHER_MS = 1;
/** After a call that carried this many, for this long, more are expected: they gather although none is on its way. */
const MANY_CALLS = 4;
const BUSY_MS = 5;
/** Nobody joins those who have gathered for longer: the one that was to make their call may have died. */
const MAX_GATHER_MS = 100;
/** How long one that is carried along waits for its reply. A call that is out for longer counts no more as on its way. */
export const MAX_REPLY_MS = 7_000;
export const MAX_CALLS_TOGETHER = 64;
/** A line is a hint: what it forgets costs a call of its own. */
const MAX_LINES = 10_000;

/** What a request lends to the lines: its binding, its timers, and its right to outlive its response. */
export interface CallDesk<Ask, Reply> {
  /** One call for all of them; replies in their order. */
  readonly send: (asks: readonly Ask[]) => Promise<readonly Reply[]>;
  readonly nowMs: () => number;
  readonly sleep: (delayMs: number) => Promise<void>;
  readonly after: (delayMs: number, passed: () => void) => CallOff;
  readonly defer: (work: Promise<unknown>) => void;
}

interface Carried<Ask, Reply> {
  readonly ask: Ask;
  readonly reply: PromiseWithResolvers<Reply>;
}

/** Those who gather, beside the one that will make the call. */
interface Gathering<Ask, Reply> {
  readonly sinceMs: number;
  readonly others: Carried<Ask, Reply>[];
}

interface Line<Ask, Reply> {
  readonly name: string;
  /** The latest call that is on its way. */
  flight: { readonly leftMs: number } | null;
  gathering: Gathering<Ask, Reply> | null;
  busyUntilMs: number;
}

/** `name`: the object's. */
export class CallLines<Ask, Reply> {
  readonly #lines = new Map<string, Line<Ask, Reply>>();

  async ask(name: string, ask: Ask, desk: CallDesk<Ask, Reply>): Promise<Reply> {
    const nowMs = desk.nowMs();
    const line = this.#lines.get(name) ?? this.#opened(name);
    if (line.gathering !== null && mayJoin(line.gathering, nowMs)) return carriedBy(line.gathering, ask, desk);
    if (isQuiet(line, nowMs)) return this.#fly(line, ask, [], desk);
    const reply = this.#gather(line, ask, desk);
    desk.defer(reply.catch(() => undefined));
    return reply;
  }

  #opened(name: string): Line<Ask, Reply> {
    if (this.#lines.size >= MAX_LINES) this.#lines.clear();
    const line: Line<Ask, Reply> = { name, flight: null, gathering: null, busyUntilMs: 0 };
    this.#lines.set(name, line);
    return line;
  }

  async #gather(line: Line<Ask, Reply>, ask: Ask, desk: CallDesk<Ask, Reply>): Promise<Reply> {
    const gathering: Gathering<Ask, Reply> = { sinceMs: desk.nowMs(), others: [] };
    line.gathering = gathering;
    await desk.sleep(GATHER_MS);
    if (line.gathering === gathering) line.gathering = null;
    return this.#fly(line, ask, gathering.others, desk);
  }

  async #fly(
    line: Line<Ask, Reply>,
    ask: Ask,
    others: readonly Carried<Ask, Reply>[],
    desk: CallDesk<Ask, Reply>,
  ): Promise<Reply> {
    const flight = { leftMs: desk.nowMs() };
    line.flight = flight;
    try {
      const [own, ...theirs] = await desk.send([ask, ...others.map((other) => other.ask)]);
      if (own === undefined || theirs.length !== others.length) throw new Error(UNEVEN);
      others.forEach(({ reply }, at) => reply.resolve(theirs[at] as Reply));
      return own;
    } catch (error) {
      for (const { reply } of others) reply.reject(error);
      throw error;
    } finally {
      if (line.flight === flight) line.flight = null;
      if (others.length + 1 >= MANY_CALLS) line.busyUntilMs = desk.nowMs() + BUSY_MS;
      if (line.gathering === null && isQuiet(line, desk.nowMs())) this.#lines.delete(line.name);
    }
  }
}

function isQuiet<Ask, Reply>({ flight, busyUntilMs }: Line<Ask, Reply>, nowMs: number): boolean {
  return flight === null ? nowMs > busyUntilMs : nowMs - flight.leftMs > MAX_REPLY_MS;
}

const UNEVEN = "A shared call was answered for another number of calls";

function mayJoin<Ask, Reply>({ sinceMs, others }: Gathering<Ask, Reply>, nowMs: number): boolean {
  return others.length < MAX_CALLS_TOGETHER - 1 && nowMs - sinceMs <= MAX_GATHER_MS;
}

/** Joins those who gather, and waits for the reply that another request brings. */
async function carriedBy<Ask, Reply>(
  { others }: Gathering<Ask, Reply>,
  ask: Ask,
  desk: CallDesk<Ask, Reply>,
): Promise<Reply> {
  const reply = Promise.withResolvers<Reply>();
  others.push({ ask, reply });
  const callOff = desk.after(MAX_REPLY_MS, () => reply.reject(new Error("A shared call was not answered in time")));
  try {
    return await reply.promise;
  } finally {
    callOff();
  }
}
