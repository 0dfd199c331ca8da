import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { CallLines, MAX_CALLS_TOGETHER, MAX_REPLY_MS, type CallDesk } from "./call-lines.ts";

/** What every request has, in fake time. */
const CLOCK = {
  nowMs: () => Date.now(),
  sleep: (delayMs: number) => new Promise<void>((resolve) => setTimeout(resolve, delayMs)),
  after: (delayMs: number, passed: () => void) => {
    const timer = setTimeout(passed, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Lines whose calls are answered by hand. */
function bench() {
  const lines = new CallLines<number, string>();
  const calls: { readonly asks: readonly number[]; readonly answer: PromiseWithResolvers<readonly string[]> }[] = [];
  const deferred: Promise<unknown>[] = [];
  const told: Record<number, string> = {};
  const desk: CallDesk<number, string> = {
    ...CLOCK,
    send: (asks) => {
      const answer = Promise.withResolvers<readonly string[]>();
      calls.push({ asks, answer });
      return answer.promise;
    },
    defer: (work) => deferred.push(work),
  };
  const ask = (n: number, name = "a", changes: Partial<CallDesk<number, string>> = {}): void => {
    lines.ask(name, n, { ...desk, ...changes }).then(
      (reply) => (told[n] = reply),
      () => (told[n] = "failed"),
    );
  };
  const answer = async (at: number): Promise<void> => {
    const call = calls[at];
    call?.answer.resolve(call.asks.map((n) => `reply ${n}`));
    await vi.advanceTimersByTimeAsync(0);
  };
  const asked = (): readonly (readonly number[])[] => calls.map(({ asks }) => asks);
  return { calls, deferred, told, ask, answer, asked };
}

/** Of a request that dies as soon as it waits. */
const NEVER = { sleep: () => new Promise<void>(() => undefined) };

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe("calls to one object", () => {
  test("a lone one goes at once, and again at once when the last is answered", async () => {
    const { ask, answer, asked, told, deferred } = bench();
    ask(1);
    expect(asked()).toEqual([[1]]);
    await answer(0);
    ask(2);
    expect(asked()).toEqual([[1], [2]]);
    await answer(1);
    expect(told).toEqual({ 1: "reply 1", 2: "reply 2" });
    expect(deferred).toHaveLength(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("those that arrive while one is on its way go together, whether or not it came back", async () => {
    const { ask, answer, asked, told, deferred } = bench();
    ask(1);
    for (const n of [2, 3, 4]) ask(n);
    expect(asked()).toEqual([[1]]);
    await vi.advanceTimersByTimeAsync(1);
    expect(asked()).toEqual([[1], [2, 3, 4]]);
    expect(deferred).toHaveLength(1);
    await answer(1);
    expect(told).toEqual({ 2: "reply 2", 3: "reply 3", 4: "reply 4" });
    await answer(0);
    expect(told[1]).toBe("reply 1");
    expect(vi.getTimerCount()).toBe(0);
  });

  test("calls to other objects go on their own", () => {
    const { ask, asked } = bench();
    for (const [at, name] of ["a", "b", "c"].entries()) ask(at, name);
    expect(asked()).toEqual([[0], [1], [2]]);
  });

  test("after one that carried many the next gather, for a while", async () => {
    const { ask, answer, asked } = bench();
    for (const n of [1, 2, 3, 4, 5]) ask(n);
    await vi.advanceTimersByTimeAsync(1);
    await answer(0);
    await answer(1);
    ask(6);
    ask(7);
    expect(asked()).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1);
    expect(asked()[2]).toEqual([6, 7]);
    await answer(2);
    await vi.advanceTimersByTimeAsync(10);
    ask(8);
    expect(asked()[3]).toEqual([8]);
  });

  test("more than fit into one call are parted", async () => {
    const { ask, asked, told, answer } = bench();
    const many = MAX_CALLS_TOGETHER * 2 + 5;
    for (let n = 0; n <= many; n += 1) ask(n);
    await vi.advanceTimersByTimeAsync(1);
    expect(asked().map((asks) => asks.length)).toEqual([1, MAX_CALLS_TOGETHER, MAX_CALLS_TOGETHER, 5]);
    for (const at of asked().keys()) await answer(at);
    expect(Object.keys(told)).toHaveLength(many + 1);
  });
});

describe("what goes wrong", () => {
  test("a failed call fails all that it carried, and no other", async () => {
    const { ask, calls, answer, told } = bench();
    for (const n of [1, 2, 3]) ask(n);
    await vi.advanceTimersByTimeAsync(1);
    calls[1]?.answer.reject(new Error("away"));
    await answer(0);
    expect(told).toEqual({ 1: "reply 1", 2: "failed", 3: "failed" });
    ask(4);
    await answer(2);
    expect(told[4]).toBe("reply 4");
  });

  test("replies that do not match the calls are nobody's", async () => {
    const { ask, calls, answer, told } = bench();
    for (const n of [1, 2, 3]) ask(n);
    await vi.advanceTimersByTimeAsync(1);
    calls[1]?.answer.resolve(["reply 2"]);
    await answer(0);
    expect(told).toEqual({ 1: "reply 1", 2: "failed", 3: "failed" });
  });

  test("when the request that was to make the call has died, those it would have carried fail in time", async () => {
    const { ask, asked, told } = bench();
    ask(1);
    ask(2, "a", NEVER);
    ask(3);
    await vi.advanceTimersByTimeAsync(MAX_REPLY_MS - 1);
    expect(told).toEqual({});
    await vi.advanceTimersByTimeAsync(1);
    expect(told).toEqual({ 3: "failed" });
    expect(asked()).toEqual([[1]]);
  });

  test("and soon nobody joins them any more", async () => {
    const { ask, asked } = bench();
    ask(1);
    ask(2, "a", NEVER);
    await vi.advanceTimersByTimeAsync(101);
    ask(3);
    await vi.advanceTimersByTimeAsync(1);
    expect(asked()).toEqual([[1], [3]]);
  });

  test("a call that never comes back is forgotten", async () => {
    const { ask, asked } = bench();
    ask(1);
    await vi.advanceTimersByTimeAsync(MAX_REPLY_MS + 1);
    ask(2);
    expect(asked()).toEqual([[1], [2]]);
  });
});

test("whatever arrives when, each call is made once, soon, and hears its own reply", async () => {
  const arrival = fc.record({
    afterMs: fc.nat({ max: 3 }),
    name: fc.constantFrom("a", "b"),
    takesMs: fc.nat({ max: 20 }),
    fails: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(arrival, { maxLength: 60 }), async (arrivals) => {
      const lines = new CallLines<number, string>();
      const sent = new Map<number, { readonly atMs: number; readonly fails: boolean }>();
      const heard: Promise<void>[] = [];
      for (const [n, { afterMs, name, takesMs, fails }] of arrivals.entries()) {
        await vi.advanceTimersByTimeAsync(afterMs);
        const arrivedMs = Date.now();
        const reply = lines.ask(name, n, {
          ...CLOCK,
          send: async (asks) => {
            for (const each of asks) {
              expect(sent.has(each)).toBe(false);
              expect(arrivals[each]?.name).toBe(name);
              sent.set(each, { atMs: Date.now(), fails });
            }
            await CLOCK.sleep(takesMs);
            if (fails) throw new Error("away");
            return asks.map((each) => `reply ${each}`);
          },
          defer: () => undefined,
        });
        const outcome = reply.catch(() => "failed");
        heard.push(
          outcome.then((told) => {
            const call = sent.get(n);
            expect(told).toBe(call?.fails === true ? "failed" : `reply ${n}`);
            expect((call?.atMs ?? Infinity) - arrivedMs).toBeLessThanOrEqual(1);
          }),
        );
      }
      await vi.advanceTimersByTimeAsync(50);
      await Promise.all(heard);
      expect(sent.size).toBe(arrivals.length);
      expect(vi.getTimerCount()).toBe(0);
    }),
  );
});
