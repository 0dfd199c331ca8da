/** The served OpenAPI document, judged by a public linter with its recommended rules: no error, no warning. */
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startStack, type Stack } from "./harness/stack.ts";

const REDOCLY = join(import.meta.dirname, "../node_modules/.bin/redocly");

let stack: Stack;

beforeAll(async () => {
  stack = await startStack({ demo: false });
});
afterAll(() => stack?.stop());

it("lints clean", async () => {
  const answer = await fetch(`${stack.admin}/openapi.json`);
  expect(answer.status).toBe(200);
  const path = join(stack.directory, "openapi.json");
  writeFileSync(path, await answer.text());
  const environment = { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" };
  const options = { env: environment, cwd: stack.directory };
  const { stdout } = await promisify(execFile)(REDOCLY, ["lint", path, "--format", "json"], options);
  const report = JSON.parse(stdout) as { totals: unknown; problems: readonly unknown[] };
  expect(report.problems).toEqual([]);
  expect(report.totals).toMatchObject({ errors: 0, warnings: 0 });
});
