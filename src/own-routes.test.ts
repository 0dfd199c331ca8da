import { describe, expect, it } from "vitest";
import { answerOwnRoute } from "./own-routes.ts";
import { grant, scope, SETTINGS, world, type World } from "./pipeline.fixture.ts";

function whoami(at: World, token: string): Promise<Response> {
  const headers = { authorization: `Bearer ${token}` };
  return answerOwnRoute(new Request("http://localhost/.relaykey/whoami", { headers }), "whoami", at.ports, SETTINGS);
}

describe("whoami", () => {
  it("shows a grant's whole scope under the names by which it was asked for", async () => {
    const rules = [{ methods: ["GET"], paths: ["/contacts/*"] }];
    const narrowed = scope({ rules, denyQueryParams: ["expand"], maxBodyBytes: 10, models: ["small-*"] });
    const at = world({ grants: [grant({ scope: narrowed })] });
    const answer = await whoami(at, at.token);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("x-relaykey-source")).toBe("relaykey");
    expect(await answer.json()).toMatchObject({
      grants: [
        {
          connection_id: "conn_test",
          rules,
          allowed_methods: ["GET"],
          allowed_paths: ["/contacts/*"],
          deny_query_params: ["expand"],
          max_body_bytes: 10,
          models: ["small-*"],
        },
      ],
    });
  });

  it("shows the addresses that are listed beside those that were learned", async () => {
    const trust = { mode: "fixed", addresses: ["203.0.113.0/24"], allowWorkers: [] } as const;
    const at = world({ trust });
    const learned = { address: "198.51.100.7", trustedAtMs: Date.UTC(2026, 0, 2), how: "admin" } as const;
    at.ports.gate.inspect = () => Promise.resolve({ state: "active", limits: [], trustedAddresses: [learned] });
    expect(await (await whoami(at, at.token)).json()).toMatchObject({
      trusted_addresses: [
        { address: "203.0.113.0/24", trusted_at: null, how: "policy" },
        { address: "198.51.100.7", trusted_at: "2026-01-02T00:00:00.000Z", how: "admin" },
      ],
    });
  });

  it("says when a budget's window ends to the second, and of a rate never too early", async () => {
    const at = world();
    at.ports.clock.nowMs = () => Date.UTC(2026, 0, 31, 23, 59, 50, 80);
    const limit = {
      unit: "requests",
      limit: 10,
      remaining: 3,
      windowSeconds: 60,
      grantId: null,
      resetSeconds: 10,
    } as const;
    const limits = [
      { ...limit, name: "credential-requests-month", kind: "budget" },
      { ...limit, name: "credential-60s", kind: "rate" },
    ] as const;
    at.ports.gate.inspect = () => Promise.resolve({ state: "active", limits, trustedAddresses: [] });
    expect(await (await whoami(at, at.token)).json()).toMatchObject({
      limits: [{ resets_at: "2026-02-01T00:00:00.000Z" }, { resets_at: "2026-02-01T00:00:00.080Z" }],
    });
  });

  it("leaves the short form out where several rules pair methods with paths", async () => {
    const rules = [
      { methods: ["GET"], paths: ["/a"] },
      { methods: ["POST"], paths: ["/b"] },
    ];
    const at = world({ grants: [grant({ scope: scope({ rules }) })] });
    expect(await (await whoami(at, at.token)).text()).not.toContain("allowed_paths");
  });
});
