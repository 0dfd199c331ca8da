import { describe, expect, it } from "vitest";

import { checkPlan } from "./plan.ts";

describe("checkPlan", () => {
  it("gives the free plan one protected connection", () => {
    expect(checkPlan("free", "connections", 0).ok).toBe(true);
    expect(checkPlan("free", "connections", 1)).toEqual({
      ok: false,
      error: { plan: "free", resource: "connections", limit: 1 },
    });
  });

  it("never stops the unlimited plan, and lets an unknown one have nothing", () => {
    expect(checkPlan("unlimited", "connections", 1_000_000).ok).toBe(true);
    expect(checkPlan("toString", "connections", 0).ok).toBe(false);
  });
});
