/** Lists by label: exactly the rows that carry it, whatever the label's name and value hold. */
import { beforeAll, describe, expect, it, vi } from "vitest";
import { call, fieldsOf, newConnection, newCredential, textOf } from "./admin.fixture.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const LABELS: Readonly<Record<string, Record<string, string>>> = {
  none: {},
  payments: { team: "payments", tier: "gold" },
  support: { team: "support" },
  dotted: { "a.b/c-d": "x:y" },
  quoted: { team: `pay"ments' OR 1=1` },
  longer: { "team.lead": "payments" },
};

beforeAll(async () => {
  const connectionId = textOf(await newConnection(), "id");
  for (const [name, labels] of Object.entries(LABELS)) {
    await newCredential(connectionId, { name, labels });
    expect((await call("POST", "/api/v1/recipients", { body: { name, labels } })).status).toBe(201);
  }
});

async function names(path: string, label: string): Promise<unknown[]> {
  const answer = await call("GET", `/api/v1/${path}?label=${encodeURIComponent(label)}`);
  expect(answer.status, answer.text).toBe(200);
  return (answer.json["data"] as { name: string }[]).map((each) => each.name).toSorted();
}

describe.each(["delegated-credentials", "recipients"])("%s by label", (path) => {
  it("are those that carry it", async () => {
    expect(await names(path, "team")).toEqual(["payments", "quoted", "support"]);
    expect(await names(path, "team:payments")).toEqual(["payments"]);
    expect(await names(path, "tier:gold")).toEqual(["payments"]);
    expect(await names(path, "a.b/c-d:x:y")).toEqual(["dotted"]);
    expect(await names(path, "team.lead")).toEqual(["longer"]);
    expect(await names(path, `team:pay"ments' OR 1=1`)).toEqual(["quoted"]);
    expect(await names(path, "team:")).toEqual([]);
    expect(await names(path, "nobody")).toEqual([]);
  });

  it("is refused where the name is none", async () => {
    for (const label of [`"team`, "", ":payments", `a"]:x`]) {
      const answer = await call("GET", `/api/v1/${path}?label=${encodeURIComponent(label)}`);
      expect(answer.status, label).toBe(422);
      expect(fieldsOf(answer)).toEqual(["label"]);
    }
  });
});
