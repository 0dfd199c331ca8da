import { describe, expect, test } from "vitest";
import { customTest, judgeTest, type TestCall } from "./connection-test.ts";

const SLACK: TestCall = {
  method: "POST",
  path: "/api/auth.test",
  body: "",
  contentType: "application/x-www-form-urlencoded",
  proves: "it names its workspace",
  failsWith: [{ statuses: [], bodyIncludes: '"ok":false', hint: "dead" }],
  realWith: [
    { statuses: [], bodyIncludes: '"error":"missing_scope"', hint: "lacks a scope" },
    { statuses: [401, 403], bodyIncludes: "restricted_api_key", hint: "restricted" },
  ],
};
const answer = (status: number, bodyStart = "") => judgeTest(SLACK, { kind: "answer", status, bodyStart });

describe("judgeTest", () => {
  test("a good answer says what it proves", () => {
    expect(answer(200, '{"ok":true}')).toEqual({
      ok: true,
      status: 200,
      summary: "The key works: it names its workspace.",
      hint: null,
    });
  });
  test("a 200 that says no is a failure, whatever its white space", () => {
    expect(answer(200, '{ "ok" : false, "error": "invalid_auth" }')).toMatchObject({ ok: false, hint: "dead" });
  });
  test("a refusal that only a real key gets proves the key", () => {
    expect(answer(200, '{"ok":false,"error":"missing_scope"}')).toMatchObject({ ok: true, hint: "lacks a scope" });
    expect(answer(401, '{"name":"Restricted_API_key"}')).toMatchObject({ ok: true, hint: "restricted" });
    expect(answer(500, "restricted_api_key")).toMatchObject({ ok: false });
  });
  test.each([301, 400, 401, 402, 403, 404, 405, 409, 429, 500, 503])("%i is not a success and says why", (status) => {
    const verdict = answer(status, "secret echo");
    expect(verdict.ok).toBe(false);
    expect(verdict.status).toBe(status);
    expect(`${verdict.summary} ${verdict.hint}`).toMatch(/^[A-Z].*\.$/);
    expect(JSON.stringify(verdict)).not.toContain("echo");
  });
  test.each(["unreachable", "timeout", "login_refused", "login_failed", "unusable_secret"] as const)("%s", (kind) => {
    expect(judgeTest(SLACK, { kind })).toMatchObject({ ok: false, status: null });
  });
  test("a path that a person names is judged by its status", () => {
    const call = customTest("/v1/me");
    expect(judgeTest(call, { kind: "answer", status: 204, bodyStart: "" }).ok).toBe(true);
    expect(judgeTest(call, { kind: "answer", status: 401, bodyStart: "" }).ok).toBe(false);
  });
});
