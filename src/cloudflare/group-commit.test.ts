import { describe, expect, test } from "vitest";
import { GroupCommit } from "./group-commit.ts";

function bench() {
  const rows: number[][] = [];
  const syncs: PromiseWithResolvers<void>[] = [];
  const broken: unknown[] = [];
  const commits = new GroupCommit<number>(
    (records) => rows.push([...records]),
    () => {
      const sync = Promise.withResolvers<void>();
      syncs.push(sync);
      return sync.promise;
    },
    (error) => broken.push(error),
  );
  const settled: string[] = [];
  const commit = (...records: number[]): void => {
    void commits.commit(records).then(
      () => settled.push(`ok ${records.join()}`),
      () => settled.push(`failed ${records.join()}`),
    );
  };
  const sync = async (at: number, error?: Error): Promise<void> => {
    if (error === undefined) syncs[at]?.resolve();
    else syncs[at]?.reject(error);
    await new Promise((resolve) => setTimeout(resolve, 0));
  };
  return { commits, rows, syncs, broken, settled, commit, sync };
}

describe("GroupCommit", () => {
  test("the first goes at once, those that come meanwhile go together", async () => {
    const { rows, settled, commit, sync } = bench();
    commit(1);
    expect(rows).toEqual([[1]]);
    commit(2);
    commit(3, 4);
    expect(rows).toEqual([[1]]);
    await sync(0);
    expect(settled).toEqual(["ok 1"]);
    expect(rows).toEqual([[1], [2, 3, 4]]);
    await sync(1);
    expect(settled).toEqual(["ok 1", "ok 2", "ok 3,4"]);
    commit(5);
    expect(rows).toHaveLength(3);
  });

  test("an empty commit waits for what was given before it", async () => {
    const { rows, settled, commit, sync } = bench();
    commit(1);
    commit();
    expect(settled).toEqual([]);
    await sync(0);
    await sync(1);
    expect(settled).toEqual(["ok 1", "ok "]);
    expect(rows).toEqual([[1]]);
  });

  test("what is in no hurry goes with the next commit, before its records", async () => {
    const { commits, rows, commit, sync } = bench();
    commits.keepForNext([1, 2]);
    expect(rows).toEqual([]);
    expect(commits.keepsSome).toBe(true);
    commit(3);
    expect(rows).toEqual([[1, 2, 3]]);
    commits.keepForNext([4]);
    await sync(0);
    expect(rows).toHaveLength(1);
    expect(commits.keepsSome).toBe(true);
    commit();
    expect(rows).toEqual([[1, 2, 3], [4]]);
    expect(commits.keepsSome).toBe(false);
  });

  test("after a failed write nothing succeeds any more", async () => {
    const { rows, broken, settled, commit, sync } = bench();
    commit(1);
    commit(2);
    await sync(0, new Error("disk"));
    expect(broken).toHaveLength(1);
    expect(settled).toEqual(["failed 1", "failed 2"]);
    commit(3);
    await sync(0);
    expect(rows).toEqual([[1]]);
    expect(settled).toEqual(["failed 1", "failed 2", "failed 3"]);
  });
});
