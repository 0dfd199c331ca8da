/** Runs wrangler without questions and without a shell. Its arguments never hold a secret; what it prints is given back. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, existsSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { REPOSITORY } from "./build.ts";

export interface WranglerResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Lines of the machine-readable report, where the command writes one (`deploy` does). */
  readonly report: readonly unknown[];
}

/** RELAYKEY_WRANGLER names another executable, for tests. */
export async function wrangler(args: readonly string[]): Promise<WranglerResult> {
  const directory = mkdtempSync(join(tmpdir(), "relaykey-wrangler-"));
  const reportPath = join(directory, "report.ndjson");
  const command = process.env["RELAYKEY_WRANGLER"] ?? join(REPOSITORY, "node_modules/.bin/wrangler");
  try {
    return await new Promise((resolve) => {
      const child = spawn(command, [...args], {
        cwd: REPOSITORY,
        stdio: ["ignore", "pipe", "pipe"],
        env: {
          ...process.env,
          CI: "true",
          NO_COLOR: "1",
          FORCE_COLOR: "0",
          WRANGLER_SEND_METRICS: "false",
          WRANGLER_HIDE_BANNER: "true",
          WRANGLER_OUTPUT_FILE_PATH: reportPath,
        },
      });
      let stdout = "";
      let stderr = "";
      child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString("utf8")));
      child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString("utf8")));
      child.on("error", (error) => resolve({ code: 1, stdout, stderr: error.message, report: [] }));
      child.on("close", (code) => resolve({ code: code ?? 1, stdout, stderr, report: readReport(reportPath) }));
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function readReport(path: string): unknown[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line): unknown => JSON.parse(line));
}

/** The last lines that say what went wrong, for an error message. */
export function lastWords(result: WranglerResult): string {
  const lines = stripVTControlCharacters(`${result.stdout}\n${result.stderr}`)
    .split("\n")
    .map((line) => line.trim());
  const telling = lines.filter(
    (line) => /error|✘|denied|failed|not /i.test(line) && !line.includes("Logs were written"),
  );
  return (telling.length > 0 ? telling : lines.filter((line) => line !== "")).slice(-3).join(" ");
}
