import { describe, expect, it } from "vitest";

import { EMPTY_TALLY, replayPage, replaySummary, type ReplayCall } from "./replay.ts";

function call(path: string, decision: "allowed" | "denied", reason = "ok", count = 1): ReplayCall {
  return { id: `evt_${path}`, method: "GET", path, decision, reason, count, atMs: 1 };
}

describe("replayPage", () => {
  const allows = (_method: string, path: string) => path.startsWith("/a");

  it("counts what a change would block and allow, over pages", () => {
    const first = replayPage(
      EMPTY_TALLY,
      [call("/a", "allowed"), call("/b", "allowed"), call("/b", "allowed")],
      allows,
    );
    const tally = replayPage(first, [call("/a", "denied", "path_denied"), call("/b", "denied", "path_denied")], allows);
    expect(tally).toMatchObject({ calls: 5, wouldBlock: 2, wouldAllow: 1 });
    expect(tally.blocked.map((sample) => sample.path)).toEqual(["/b"]);
    expect(tally.allowed.map((sample) => sample.path)).toEqual(["/a"]);
  });

  it("does not promise that a call refused for another reason would pass", () => {
    expect(replayPage(EMPTY_TALLY, [call("/a", "denied", "rate_limited")], allows).wouldAllow).toBe(0);
  });

  it("keeps few samples and weighs folded events", () => {
    const calls = Array.from({ length: 30 }, (_, at) => call(`/b${at}`, "allowed", "ok", 311));
    const tally = replayPage(EMPTY_TALLY, calls, allows);
    expect(tally.blocked).toHaveLength(20);
    expect(replaySummary(tally)).toContain("9,330 of 9,330 calls would have been blocked");
  });
});
