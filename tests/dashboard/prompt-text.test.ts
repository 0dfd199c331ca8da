/** The code in the instructions that the API writes. */
import { describe, expect, it } from "vitest";
import { agentPrompt } from "../../src/domain/prompts.ts";
import type { PromptInput } from "../../src/domain/prompts.ts";
import { codeBlocks } from "../../workers/admin/dashboard/screens/prompt-text.ts";

const GRANT: PromptInput["grants"][number] = {
  connectionId: "conn_a",
  connectionName: "A ``` name",
  vendor: null,
  baseUrlPath: "/conn_a",
  upstreamBasePath: "",
  rules: [{ methods: ["GET"], paths: ["/v1/*"] }],
  denyQueryParams: [],
  limits: { rate: [], budgets: [], perCustomer: null },
};
const INPUT: PromptInput = {
  credentialName: "run",
  recipientName: null,
  expiresAtMs: null,
  proxyOrigin: "https://proxy.example",
  limits: { rate: [], budgets: [], perCustomer: null },
  grants: [GRANT, { ...GRANT, connectionId: "conn_b", baseUrlPath: "/conn_b" }],
};

describe("code in instructions", () => {
  it("is one piece for each connection of an SDK, and one for the shell", () => {
    const sdk = codeBlocks(agentPrompt(INPUT, "sdk"));
    expect(sdk).toHaveLength(2);
    expect(sdk[0]).toContain("https://proxy.example/conn_a/v1");
    expect(sdk[1]).toContain("https://proxy.example/conn_b/v1");
    const [shell, ...more] = codeBlocks(agentPrompt(INPUT, "curl"));
    expect(more).toEqual([]);
    expect(shell?.split("\n").every((line) => line.startsWith("curl "))).toBe(true);
  });

  it("is nothing where there is none", () => {
    expect(codeBlocks("# Title\n\ntext `inline`")).toEqual([]);
    expect(codeBlocks("```sh\nnever closed")).toEqual([]);
  });
});
