/**
 * `npm test`: every check and every test, and one plain last line, `N passed, N failed`, from the real counts. Arguments go to vitest.
 * Exit code 0 only if nothing failed and vitest itself says so.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "./build.ts";
import { runChecks } from "./check.ts";

const REPORT = join(REPOSITORY, "dist", `test-report-${process.pid}.json`);

interface Counts {
  readonly passed: number;
  readonly failed: number;
}

async function main(): Promise<void> {
  const checks = await runChecks();
  const tests = await runVitest(process.argv.slice(2));
  const passed = checks.filter((check) => check.passed).length + tests.passed;
  const failed = checks.filter((check) => !check.passed).length + tests.failed;
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
}

async function runVitest(args: readonly string[]): Promise<Counts> {
  mkdirSync(join(REPOSITORY, "dist"), { recursive: true });
  const code = await new Promise<number>((resolve) => {
    const child = spawn(
      process.execPath,
      [
        "node_modules/vitest/vitest.mjs",
        "run",
        "--reporter=default",
        "--reporter=json",
        `--outputFile.json=${REPORT}`,
        ...args,
      ],
      {
        cwd: REPOSITORY,
        stdio: "inherit",
        env: { ...process.env, CLOUDFLARE_CF_FETCH_ENABLED: "false", WRANGLER_SEND_METRICS: "false" },
      },
    );
    child.on("error", () => resolve(1));
    child.on("close", (exitCode) => resolve(exitCode ?? 1));
  });
  const counts = readCounts();
  // Errors outside any test (an unhandled rejection, a file that cannot be loaded) count as one failure at least.
  return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

function readCounts(): Counts {
  if (!existsSync(REPORT)) return { passed: 0, failed: 1 };
  const report: unknown = JSON.parse(readFileSync(REPORT, "utf8"));
  rmSync(REPORT);
  return { passed: count(report, "numPassedTests"), failed: count(report, "numFailedTests") };
}

function count(report: unknown, name: string): number {
  if (typeof report !== "object" || report === null) return 0;
  const value: unknown = Object.entries(report).find(([key]) => key === name)?.[1];
  return typeof value === "number" ? value : 0;
}

await main();
