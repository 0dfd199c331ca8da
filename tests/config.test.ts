/** One truth in two notations: what `wrangler.toml` deploys is what the local stack and the tests run. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { unstable_readConfig } from "wrangler";
import { describe, expect, it } from "vitest";
import { WORKER_NAMES, type WorkerName } from "../scripts/build.ts";
import {
  AUDIT_DATABASE,
  COMPATIBILITY_DATE,
  COMPATIBILITY_FLAGS,
  CONTROL_DATABASE,
  DURABLE_OBJECTS,
  workerOptions,
} from "../scripts/worker-options.ts";

const REPOSITORY = resolve(import.meta.dirname, "..");

/** The part of wrangler's parsed configuration that is compared; its own type does not resolve outside its repository. */
interface DeployedConfig {
  readonly name?: string;
  readonly compatibility_date?: string;
  readonly compatibility_flags: readonly string[];
  readonly vars: Readonly<Record<string, unknown>>;
  readonly d1_databases: readonly { binding: string; database_name?: string; migrations_dir?: string }[];
  readonly r2_buckets: readonly { binding: string; bucket_name?: string }[];
  readonly queues: {
    readonly producers?: readonly { binding: string; queue: string }[];
    readonly consumers?: readonly {
      queue: string;
      max_batch_size?: number;
      max_batch_timeout?: number;
      max_retries?: number;
      retry_delay?: number;
      dead_letter_queue?: string;
    }[];
  };
  readonly durable_objects: {
    readonly bindings: readonly { name: string; class_name: string; script_name?: string }[];
  };
  readonly migrations: readonly { new_sqlite_classes?: string[] }[];
}

function deployed(worker: WorkerName): DeployedConfig {
  return unstable_readConfig({ config: join(REPOSITORY, "wrangler.toml"), env: worker }, { hideWarnings: true });
}

function local(worker: WorkerName): Record<string, unknown> {
  return { ...workerOptions(worker, { script: "", bindings: {} }) };
}

const byName = (entries: readonly (readonly [string, unknown])[]) => Object.fromEntries(entries);

describe.each(WORKER_NAMES)("the %s Worker", (worker) => {
  it("has the same bindings deployed as locally", () => {
    const config = deployed(worker);
    const options = local(worker);
    expect(config.name).toBe(options["name"]);
    expect(config.compatibility_date).toBe(COMPATIBILITY_DATE);
    expect(config.compatibility_flags).toEqual(COMPATIBILITY_FLAGS);
    expect(byName(config.d1_databases.map((each) => [each.binding, each.database_name]))).toEqual(
      options["d1Databases"],
    );
    expect(byName(config.r2_buckets.map((each) => [each.binding, each.bucket_name]))).toEqual(
      options["r2Buckets"] ?? {},
    );
    expect(byName((config.queues.producers ?? []).map((each) => [each.binding, each.queue]))).toEqual(
      options["queueProducers"] ?? {},
    );
    const consumers = (config.queues.consumers ?? []).map(
      (each) =>
        [
          each.queue,
          {
            maxBatchSize: each.max_batch_size,
            maxBatchTimeout: each.max_batch_timeout,
            maxRetries: each.max_retries,
            retryDelay: each.retry_delay,
            deadLetterQueue: each.dead_letter_queue,
          },
        ] as const,
    );
    expect(byName(consumers)).toEqual(options["queueConsumers"] ?? {});
    const objects = config.durable_objects.bindings.map(
      (each) =>
        [
          each.name,
          {
            className: each.class_name,
            useSQLite: true,
            ...(each.script_name === undefined ? {} : { scriptName: each.script_name }),
          },
        ] as const,
    );
    expect(byName(objects)).toEqual(options["durableObjects"]);
  });

  it("is closed when deployed: nothing local, no private upstreams, no secret in the file", () => {
    const { vars } = deployed(worker);
    expect(vars["RELAYKEY_LOCAL"]).toBe("false");
    expect(vars["ALLOW_PRIVATE_UPSTREAMS"] ?? "false").toBe("false");
    expect(Object.keys(vars).filter((name) => /KEY$|KEKS|PEPPERS|SEED|SECRET|TOKEN/.test(name))).toEqual([]);
  });

  it("finds its migrations", () => {
    for (const database of deployed(worker).d1_databases) {
      const folders: Record<string, string> = {
        [CONTROL_DATABASE]: "migrations/control",
        [AUDIT_DATABASE]: "migrations/audit",
      };
      expect(database.migrations_dir).toBe(folders[database.database_name ?? ""]);
    }
  });
});

it("binds and migrates every Durable Object class that the proxy exports, and no other", async () => {
  const result = await build({
    absWorkingDir: REPOSITORY,
    entryPoints: ["workers/proxy/index.ts"],
    bundle: true,
    write: false,
    metafile: true,
    outdir: "dist",
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["workerd", "worker", "browser", "import"],
    external: ["cloudflare:*", "node:*"],
    logLevel: "silent",
  });
  const exported = Object.values(result.metafile.outputs)
    .flatMap((output) => output.exports)
    .filter((name) => name !== "default");
  expect(Object.values(DURABLE_OBJECTS).toSorted()).toEqual(exported.toSorted());
  expect(
    deployed("proxy")
      .migrations.flatMap((migration) => migration.new_sqlite_classes ?? [])
      .toSorted(),
  ).toEqual(exported.toSorted());
});

it("locks every optional package, also those of other systems, or npm ci refuses the lock file", () => {
  interface Locked {
    readonly packages: Readonly<Record<string, { readonly optionalDependencies?: Readonly<Record<string, string>> }>>;
  }
  const { packages }: Locked = JSON.parse(readFileSync(join(REPOSITORY, "package-lock.json"), "utf8"));
  const missing = Object.entries(packages).flatMap(([path, entry]) =>
    Object.keys(entry.optionalDependencies ?? {}).filter(
      (name) => !(`node_modules/${name}` in packages) && !(`${path}/node_modules/${name}` in packages),
    ),
  );
  expect(missing).toEqual([]);
});

it("keeps secrets and generated files out of git", () => {
  const ignored = readFileSync(join(REPOSITORY, ".gitignore"), "utf8").split("\n");
  for (const path of [".dev.vars", ".relaykey/", "dist/", "wrangler.generated.toml"]) expect(ignored).toContain(path);
});
