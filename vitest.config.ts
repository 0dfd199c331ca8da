/**
 * One project per place where code runs: `domain` in plain Node, one per Worker inside workerd, and `stack`, which starts everything
 * as the README does and looks at it from outside. A Worker that binds another's Durable Objects gets that other Worker built beside it.
 */
import { existsSync, mkdirSync } from "node:fs";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { defineConfig, defineProject } from "vitest/config";
import { buildWorker, type WorkerName } from "./scripts/build.ts";
import { workerOptions } from "./scripts/worker-options.ts";
import { testBindings } from "./tests/harness/test-bindings.ts";

/** `src/store` is tested where both databases are bound; `src/cloudflare` where the Durable Objects live. */
const INCLUDE: Record<WorkerName, string[]> = {
  proxy: ["workers/proxy/**/*.test.ts", "src/cloudflare/**/*.test.ts", "src/steps/**/*.test.ts", "src/*.test.ts"],
  audit: ["workers/audit/**/*.test.ts"],
  admin: ["workers/admin/**/*.test.ts", "src/store/**/*.test.ts"],
};

async function migrations(database: "control" | "audit") {
  const path = `migrations/${database}`;
  return existsSync(path) ? readD1Migrations(path) : [];
}

/** The proxy Worker as built, for Workers that bind its Durable Objects by script name. */
async function proxyBeside(bindings: Record<string, string>) {
  return workerOptions("proxy", { script: await buildWorker("proxy"), bindings });
}

function workerProject(name: WorkerName) {
  return defineProject({
    plugins: [
      cloudflareTest(async () => {
        mkdirSync("dist/dashboard", { recursive: true });
        const bindings = testBindings();
        return {
          wrangler: { configPath: "./wrangler.toml", environment: name },
          miniflare: {
            bindings: {
              ...bindings,
              TEST_CONTROL_MIGRATIONS: await migrations("control"),
              TEST_AUDIT_MIGRATIONS: await migrations("audit"),
            },
            workers: name === "proxy" ? [] : [await proxyBeside(bindings)],
          },
        };
      }),
    ],
    test: { name, include: INCLUDE[name], setupFiles: ["./tests/harness/apply-migrations.ts"], testTimeout: 60_000 },
  });
}

export default defineConfig({
  test: {
    coverage: { provider: "istanbul", include: ["src/**/*.ts", "workers/**/*.ts"] },
    projects: [
      {
        test: {
          name: "domain",
          environment: "node",
          include: ["src/domain/**/*.test.ts", "src/contract/**/*.test.ts", "src/catalogue/**/*.test.ts"],
          // Property tests take their time on a busy machine.
          testTimeout: 60_000,
        },
      },
      workerProject("proxy"),
      workerProject("audit"),
      workerProject("admin"),
      {
        test: {
          name: "stack",
          environment: "node",
          include: ["tests/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          // After the others: it measures time from outside and wants the machine for itself.
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
