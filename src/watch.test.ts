import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Watch } from "./watch.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function watched() {
  const passed: string[] = [];
  const watch = new Watch(() => Date.now());
  return { passed, watch, after: (ms: number, name: string) => watch.after(ms, () => passed.push(name)) };
}

test("deadlines pass once each, in their order, with one timer at a time", () => {
  const { passed, after } = watched();
  after(70, "late");
  after(30, "early");
  after(50, "between");
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(28);
  expect(passed).toEqual([]);
  vi.advanceTimersByTime(30);
  expect(passed).toEqual(["early", "between"]);
  vi.advanceTimersByTime(1_000);
  expect(passed).toEqual(["early", "between", "late"]);
  expect(vi.getTimerCount()).toBe(0);
});

test("one that was called off does not pass and holds up no other", () => {
  const { passed, after } = watched();
  const callOff = after(10, "off");
  after(20, "on");
  callOff();
  callOff();
  vi.advanceTimersByTime(30);
  expect(passed).toEqual(["on"]);
});

test("one that passes may set the next: an interval", () => {
  const { passed, watch } = watched();
  const again = (): void => {
    passed.push("tick");
    watch.after(100, again);
  };
  watch.after(100, again);
  vi.advanceTimersByTime(350);
  expect(passed).toEqual(["tick", "tick", "tick"]);
});

test("an ended watch calls nothing and holds no timer", () => {
  const { passed, watch, after } = watched();
  after(10, "a");
  after(20, "b");
  watch.end();
  expect(vi.getTimerCount()).toBe(0);
  vi.advanceTimersByTime(100);
  expect(passed).toEqual([]);
});

test("a deadline that is over already passes at once", () => {
  const { passed, after } = watched();
  after(-5, "over");
  vi.advanceTimersByTime(1);
  expect(passed).toEqual(["over"]);
});
