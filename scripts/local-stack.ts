/**
 * The whole of RelayKey in one local process: three Workers in one workerd, each on its own real port of 127.0.0.1, so that requests
 * arrive byte for byte as sent. Databases, Durable Objects and the bucket persist below one directory; queued messages do not.
 * No secret is written anywhere by this file.
 */
import { spawn, type ChildProcess } from "node:child_process";
import type { Server } from "node:net";
import { join } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { buildDashboardOrSay, buildWorker, type WorkerName } from "./build.ts";
import { childrenNamed } from "./child-processes.ts";
import type { LoadedVars } from "./dev-vars.ts";
import { migrate } from "./local-migrations.ts";
import type { LocalSettings } from "./local-settings.ts";
import { forwardIpv6, untilAnswering } from "./ports.ts";
import { StartupError } from "./startup-error.ts";
import { scriptName, WORKER_SECRETS, workerOptions } from "./worker-options.ts";

const ANSWER_TIMEOUT_MS = 60_000;

/** Settings that an operator may set in the environment or the secrets file, beside the secrets. */
const PASSED_ON = [
  "PROXY_ORIGIN",
  "ADMIN_ORIGIN",
  "PROXY_DOMAIN",
  "MAIL_PROVIDER",
  "MAIL_FROM",
  "RESEND_API_KEY",
  "SMTP_URL",
  "ALLOW_PRIVATE_UPSTREAMS",
];

export interface LocalStack {
  stop(): Promise<void>;
}

export async function startStack(settings: LocalSettings, vars: LoadedVars): Promise<LocalStack> {
  // Below the state, so that no other stack replaces the files that this one serves.
  const dashboard = join(settings.stateDirectory, "dashboard");
  const [proxy, audit, admin] = await Promise.all([
    buildWorker("proxy"),
    buildWorker("audit"),
    buildWorker("admin"),
    buildDashboardOrSay(dashboard),
  ]);
  const worker = (name: WorkerName, script: string) =>
    workerOptions(name, { script, bindings: bindingsOf(name, settings, vars) });
  const socket = (port: number) => [{ host: "127.0.0.1", port }];
  let guard: ChildProcess | null = null;
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: "127.0.0.1",
      port: 0,
      cf: false,
      telemetry: { enabled: false },
      log: new Log(LogLevel.WARN),
      resourcePersistencePath: settings.stateDirectory,
      unsafeHandleRuntimeRestart: () => {
        guard = guardRuntime(guard);
      },
      workers: [
        { ...worker("proxy", proxy), unsafeDirectSockets: socket(settings.proxyPort) },
        worker("audit", audit),
        {
          ...worker("admin", admin),
          unsafeDirectSockets: socket(settings.adminPort),
          assets: {
            directory: dashboard,
            binding: "ASSETS",
            routerConfig: { has_user_worker: true, invoke_user_worker_ahead_of_assets: true },
          },
        },
      ],
    }),
  );
  const forwarders: (Server | null)[] = [];
  const timers: NodeJS.Timeout[] = [];
  const stop = async () => {
    for (const timer of timers) clearInterval(timer);
    for (const forwarder of forwarders) forwarder?.close();
    await miniflare.dispose();
    guard?.kill("SIGKILL");
  };
  try {
    await miniflare.ready;
    guard = guardRuntime(guard);
    await migrateBoth(miniflare, settings.stateDirectory);
    await Promise.all([settings.proxyPort, settings.adminPort].map((port) => untilAnswering(port, ANSWER_TIMEOUT_MS)));
    forwarders.push(await forwardIpv6(settings.proxyPort), await forwardIpv6(settings.adminPort));
  } catch (error) {
    await stop();
    throw error;
  }
  timers.push(setInterval(() => void runScheduled(miniflare), settings.cronIntervalMs));
  return { stop };
}

async function migrateBoth(miniflare: Miniflare, stateDirectory: string): Promise<void> {
  try {
    await migrate(await miniflare.getD1Database("CONTROL_DB", scriptName("admin")), "control");
    await migrate(await miniflare.getD1Database("AUDIT_DB", scriptName("admin")), "audit");
  } catch (error) {
    if (error instanceof StartupError) throw error;
    const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : "";
    const reason = error instanceof Error ? `${error.message}${cause}`.replaceAll(/\s+/g, " ") : "unknown";
    throw new StartupError(
      `The databases in ${stateDirectory} cannot be read or migrated (${reason}): restore that directory, or remove it to start afresh`,
    );
  }
}

function bindingsOf(name: WorkerName, settings: LocalSettings, vars: LoadedVars): Record<string, string> {
  const given: Record<string, string> = { ...vars.settings };
  for (const each of PASSED_ON) {
    const value = process.env[each];
    if (value !== undefined) given[each] = value;
  }
  const secrets = Object.fromEntries(WORKER_SECRETS[name].map((secret) => [secret, vars.secrets[secret]]));
  return {
    PROXY_ORIGIN: `http://localhost:${settings.proxyPort}`,
    ADMIN_ORIGIN: `http://localhost:${settings.adminPort}`,
    PROXY_DOMAIN: "localhost",
    MAIL_PROVIDER: "mailbox",
    MAIL_FROM: "relaykey@localhost",
    ALLOW_PRIVATE_UPSTREAMS: "false",
    ...given,
    ...(settings.demo ? { ALLOW_PRIVATE_UPSTREAMS: "true" } : {}),
    RELAYKEY_LOCAL: "true",
    ...secrets,
  };
}

/** Cron triggers never fire by themselves on a local machine. A failure is the Worker's to log; the next run comes anyway. */
async function runScheduled(miniflare: Miniflare): Promise<void> {
  for (const name of ["admin", "audit"] as const) {
    try {
      const worker = await miniflare.getWorker(scriptName(name));
      await worker.scheduled({ cron: "* * * * *" });
    } catch (error) {
      console.error(
        `Scheduled work of the ${name} Worker failed: ${error instanceof Error ? error.message : "unknown"}`,
      );
    }
  }
}

/**
 * If this process is killed outright, workerd would live on and keep the ports. A shell in a process group of its own waits for this
 * process's end of a pipe to close, and then ends workerd. Does nothing where /proc does not exist.
 */
function guardRuntime(previous: ChildProcess | null): ChildProcess | null {
  previous?.kill("SIGKILL");
  const pids = childrenNamed("workerd", process.pid);
  if (pids.length === 0) return null;
  const guard = spawn("/bin/sh", ["-c", 'read -r _; kill -9 "$@"', "guard", ...pids.map(String)], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  guard.on("error", () => {});
  guard.unref();
  return guard;
}
