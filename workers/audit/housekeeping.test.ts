import { describe, expect, it, vi } from "vitest";
import { runArchive, retentionDays, runRetention } from "../../src/cloudflare/archive.ts";
import { chain, DAY_MS, env, NOW_MS, store } from "./housekeeping.fixture.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

async function countRows(): Promise<number> {
  return (await env.AUDIT_DB.prepare("SELECT count(*) AS n FROM audit_events").first<{ n: number }>())?.n ?? 0;
}

describe("the archive", () => {
  it("takes whole days, and lets only what is archived leave the database", async () => {
    await env.AUDIT_DB.prepare("DELETE FROM work_positions").run();
    await store([
      ...chain("dcred_old", 700, NOW_MS - 100 * DAY_MS),
      ...chain("dcred_recent", 5, NOW_MS - DAY_MS),
      ...chain("dcred_today", 10, NOW_MS - 3_600_000),
    ]);
    const before = await countRows();
    expect(await runRetention(env, 30, NOW_MS)).toBe(0);
    await expect(env.AUDIT_DB.prepare("DELETE FROM audit_events").run()).rejects.toThrow("not archived");

    expect(await runArchive(env, NOW_MS)).toBe(1);
    expect(await runArchive(env, NOW_MS)).toBe(0);
    const { results } = await env.AUDIT_DB.prepare("SELECT * FROM archive_segments").all<{
      object_key: string;
      rows: number;
    }>();
    const [segment] = results;
    const file = await env.EXPORTS.get(segment?.object_key ?? "");
    if (file === null) throw new Error("There is no segment");
    const text = await new Response(file.body.pipeThrough(new DecompressionStream("gzip"))).text();
    expect(text.trimEnd().split("\n")).toHaveLength(segment?.rows ?? 0);
    expect(text).toContain('"dcred_old"');
    expect(text).not.toContain('"dcred_today"');

    // Events of other days share the segment, so nothing goes before all of it is old enough.
    expect(await runRetention(env, 30, NOW_MS)).toBe(0);
    const cleared = await runRetention(env, 30, NOW_MS + 60 * DAY_MS);
    expect(cleared).toBeGreaterThan(0);
    let rest = cleared;
    for (
      let step = await runRetention(env, 30, NOW_MS + 60 * DAY_MS);
      step > 0;
      step = await runRetention(env, 30, NOW_MS + 60 * DAY_MS)
    )
      rest += step;
    expect(rest).toBe(segment?.rows);
    expect(await countRows()).toBe(before - rest);
  });

  it("keeps the rows of a segment that is no longer in the bucket", async () => {
    await store(chain("dcred_lost", 5, NOW_MS - 50 * DAY_MS));
    expect(await runArchive(env, NOW_MS + 2 * DAY_MS)).toBe(1);
    const last = await env.AUDIT_DB.prepare(
      "SELECT object_key FROM archive_segments ORDER BY last_n DESC LIMIT 1",
    ).first<{ object_key: string }>();
    await env.EXPORTS.delete(last?.object_key ?? "");
    const before = await countRows();
    expect(await runRetention(env, 1, NOW_MS + 200 * DAY_MS)).toBe(0);
    expect(await countRows()).toBe(before);
  });

  it("reads its setting, and takes nonsense for the default", () => {
    expect(retentionDays("30")).toBe(30);
    expect(retentionDays("0")).toBe(1);
    for (const text of [undefined, "", "-1", "1e9", "x"]) expect(retentionDays(text)).toBe(90);
  });
});
