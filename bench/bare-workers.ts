/**
 * The Workers that RelayKey is measured against: the least that a Worker in front of a vendor can do, and the least that
 * one can do that has every call on durable record before it is forwarded.
 */
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare, type V4WorkerOptions } from "miniflare";
import { COMPATIBILITY_DATE, COMPATIBILITY_FLAGS } from "../scripts/worker-options.ts";

export interface BarePorts {
  readonly passThrough: number;
  readonly durableRow: number;
}

/** `connectionPath` is cut off the beginning of each path. */
export function startBareWorkers(origin: string, connectionPath: string, ports: BarePorts, state: string): Miniflare {
  const forward = `const url = new URL(request.url);
    return fetch(new Request("${origin}" + url.pathname.slice(${connectionPath.length}) + url.search, request));`;
  const passThrough = `export default { fetch(request) { ${forward} } };`;
  const durableRow = `import { DurableObject } from "cloudflare:workers";
export class Gate extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env);
    this.sql = ctx.storage.sql;
    this.sql.exec("CREATE TABLE IF NOT EXISTS log (slot INTEGER PRIMARY KEY, entry TEXT NOT NULL)");
    this.at = 0;
  }
  // The output gate holds the reply until the row is durable. The number makes every row differ from the one in its
  // place, so that each call has something to commit.
  async admit(entry) {
    this.at += 1;
    this.sql.exec("INSERT OR REPLACE INTO log (slot, entry) VALUES (?, ?)", this.at % 512, this.at + " " + entry);
    return this.at;
  }
}
export default { async fetch(request, env) {
  await env.GATE.getByName("gate").admit(request.method + " " + request.url);
  ${forward}
} };`;
  return startWorkers(
    [
      plainWorker("pass-through", passThrough, ports.passThrough),
      {
        ...plainWorker("durable-row", durableRow, ports.durableRow),
        durableObjects: { GATE: { className: "Gate", useSQLite: true } },
      },
    ],
    state,
  );
}

/** A Worker of one module, on a port of its own without anything before it. */
export function plainWorker(name: string, contents: string, port: number) {
  return {
    name,
    modules: [{ type: "ESModule" as const, path: `${name}.mjs`, contents }],
    compatibilityDate: COMPATIBILITY_DATE,
    compatibilityFlags: COMPATIBILITY_FLAGS,
    stripCfConnectingIp: false,
    unsafeDirectSockets: [{ host: "127.0.0.1", port }],
  } satisfies V4WorkerOptions;
}

/** These Workers in one workerd; `state` is the directory of what they store, null where they store nothing. */
export function startWorkers(workers: readonly V4WorkerOptions[], state: string | null): Miniflare {
  return new Miniflare(
    convertV4MiniflareOptions({
      host: "127.0.0.1",
      port: 0,
      cf: false,
      telemetry: { enabled: false },
      log: new Log(LogLevel.WARN),
      ...(state === null ? {} : { resourcePersistencePath: state }),
      workers: [...workers],
    }),
  );
}
