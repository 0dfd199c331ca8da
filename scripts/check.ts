/** `npm run check`: types of every part, linter, formatter. Each is one check; what a failed one said is printed in full. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { REPOSITORY } from "./build.ts";

const TYPE_CONFIGS = [
  "tsconfig.json",
  "tsconfig.node.json",
  "tsconfig.workerd-tests.json",
  "workers/admin/dashboard/tsconfig.json",
];

/** Name and command; the commands are found in node_modules/.bin. */
const CHECKS: readonly (readonly [name: string, command: string, args: readonly string[]])[] = [
  ...TYPE_CONFIGS.map((config) => [`types (${config})`, "tsc", ["-p", config]] as const),
  ["linter", "oxlint", ["--deny-warnings"]],
  ["formatter", "oxfmt", ["--check"]],
];

export interface CheckResult {
  readonly name: string;
  readonly passed: boolean;
}

/** Runs every check, also after one failed, and prints a line for each. */
export async function runChecks(): Promise<readonly CheckResult[]> {
  const results: CheckResult[] = [];
  for (const [name, command, args] of CHECKS) {
    const startedAt = performance.now();
    const { code, output } = await run(command, args);
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    results.push({ name, passed: code === 0 });
    console.log(`${code === 0 ? "passed" : "FAILED"}  ${name} (${seconds} s)`);
    if (code !== 0) console.log(output);
  }
  return results;
}

/** Resolves to the exit code and both streams in the order in which they came; a command that cannot start counts as failed. */
function run(command: string, args: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
  return new Promise((resolve) => {
    const child = spawn(join(REPOSITORY, "node_modules/.bin", command), args, { cwd: REPOSITORY });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString("utf8")));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString("utf8")));
    child.on("error", (error) => resolve({ code: 1, output: error.message }));
    child.on("close", (code) => resolve({ code: code ?? 1, output }));
  });
}

if (import.meta.main) {
  const results = await runChecks();
  if (results.some((result) => !result.passed)) process.exitCode = 1;
}
