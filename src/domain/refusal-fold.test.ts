import { expect, test } from "vitest";
import {
  FOLD_MS,
  MAX_DEAD_EVENTS_PER_MINUTE,
  MAX_FOLDS,
  MAX_REFUSED_EVENTS_PER_MINUTE,
  RefusalFold,
} from "./refusal-fold.ts";

test("a dead credential writes a few events a minute, however often it is tried", () => {
  const fold = new RefusalFold<null>();
  const own = Array.from({ length: 5_000 }, (_, at) => fold.ownEvent("revoked", at)).filter(Boolean).length;
  expect(own).toBe(MAX_DEAD_EVENTS_PER_MINUTE);
  expect(fold.ownEvent("revoked", 60_000)).toBe(true);
});

test("the first refusals after a revocation have their own events, whatever was refused before", () => {
  const fold = new RefusalFold<null>();
  for (let at = 0; at < MAX_REFUSED_EVENTS_PER_MINUTE + 100; at += 1) fold.ownEvent("rate_limited", 1);
  expect(fold.ownEvent("revoked", 2)).toBe(true);
});

test("a living credential writes more of them, but not without end", () => {
  const fold = new RefusalFold<null>();
  const own = Array.from({ length: 5_000 }, () => fold.ownEvent("rate_limited", 1)).filter(Boolean).length;
  expect(own).toBe(MAX_REFUSED_EVENTS_PER_MINUTE);
});

test("no refusal is lost in the sums, and the sums are bounded", () => {
  const fold = new RefusalFold<number>();
  for (let at = 0; at < 1_000; at += 1) fold.add("revoked", `key ${at % 90}`, at, 1_000);
  expect(fold.size).toBe(MAX_FOLDS);
  expect(fold.take(1_000 + FOLD_MS - 1)).toEqual([]);
  expect(fold.dueMs()).toBe(1_000 + FOLD_MS);
  const taken = fold.take(1_000 + FOLD_MS);
  expect(taken.reduce((sum, { count }) => sum + count, 0)).toBe(1_000);
  expect(fold.dueMs()).toBeNull();
});
