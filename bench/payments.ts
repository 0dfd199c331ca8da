/**
 * `npm run bench:payments`: what the payment step adds to a call. One stack, one vendor; calls without a price, paid out of
 * credits and paid by token take turns on the same connections, so that whatever else the machine does happens to all alike.
 * The facilitator is a stub in this process that answers at once; what a Worker's two round trips to it cost is measured in
 * the same turns and left out of what is reported as added.
 * Processor time is measured in blocks of one kind: it is what a call costs even when the machine is busy with something else.
 * Prints a table and writes bench/PAYMENTS.md.
 *
 *     npm run bench:payments -- --calls=600     calls of each kind and per number of connections
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { REPOSITORY } from "../scripts/build.ts";
import { childrenNamed, processorMs } from "../scripts/child-processes.ts";
import { loadVars } from "../scripts/dev-vars.ts";
import { startStack } from "../scripts/local-stack.ts";
import { COMPATIBILITY_DATE } from "../scripts/worker-options.ts";
import { Asker } from "./asker.ts";
import { quantile } from "./quantile.ts";
import { startUpstream } from "./upstream.ts";

const PROXY_PORT = 19_787;
const ADMIN_PORT = 19_788;
const UPSTREAM_PORT = 19_789;
const TRIP_PORT = 19_790;
const CONNECTIONS = [1, 16];
const WARM_UP_CALLS = 60;
const BLOCK_CALLS = 100;
const BLOCK_ROUNDS = 3;
const BLOCK_CONNECTIONS = 4;
/** A facilitator is asked twice for a call: to verify and to settle. */
const TRIPS_PER_CALL = 2;
const PRICE_USD_MICROS = 10;
const CHAIN_ID = 84_532;
const TOKEN = "0x036CbD53842c5426634e7929541eC2318f3dCF7e";
const PAY_TO = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C";
const PATH = "/conn_bench/contacts/1";

type Kind = "no price" | "credits" | "x402";
const KINDS: readonly Kind[] = ["no price", "credits", "x402"];

interface Row {
  readonly connections: number;
  readonly kind: Kind;
  /** Of a quiet moment: the machine's other work is in the rest. */
  readonly p10Ms: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  /** Beyond a call without a price, and without the facilitator's round trips. */
  readonly addedP10Ms: number;
  readonly addedP50Ms: number;
}

async function main(): Promise<void> {
  const calls = Math.max(50, Number(/--calls=(\d+)/.exec(process.argv.slice(2).join(" "))?.[1] ?? 600));
  const directory = mkdtempSync(join(tmpdir(), "relaykey-bench-"));
  const vars = loadVars(join(directory, "vars"), {}, { mayCreate: true });
  process.env["ALLOW_PRIVATE_UPSTREAMS"] = "true";
  const upstream = await startUpstream(UPSTREAM_PORT);
  const facilitator = await startFacilitator();
  const stack = await startStack(
    {
      stateDirectory: join(directory, "state"),
      varsPath: join(directory, "vars"),
      proxyPort: PROXY_PORT,
      adminPort: ADMIN_PORT,
      demoPort: 0,
      demo: false,
      cronIntervalMs: 60_000,
    },
    vars,
  );
  const pids = childrenNamed("workerd", process.pid);
  const trips = startTrips(facilitator.url);
  try {
    await trips.ready;
    const tokens = await configure(vars.secrets.RELAYKEY_OWNER_KEY, upstream.origin, facilitator.url);
    const total = CONNECTIONS.length * (calls + WARM_UP_CALLS) + BLOCK_ROUNDS * BLOCK_CALLS;
    const requests = { ...(await unsigned(tokens)), x402: await signed(tokens.x402, total) };
    const rows: Row[] = [];
    for (const connections of CONNECTIONS) rows.push(...(await measure(requests, connections, calls)));
    const processor = await measureProcessor(requests, pids);
    const report = render(rows, processor, calls);
    console.log(report);
    writeFileSync(join(REPOSITORY, "bench/PAYMENTS.md"), report);
  } finally {
    await trips.dispose();
    await stack.stop();
    facilitator.stop();
    upstream.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Believes everything, at once. */
async function startFacilitator(): Promise<{ readonly url: string; stop(): void }> {
  const verified = JSON.stringify({ isValid: true });
  const settled = JSON.stringify({ success: true, transaction: `0x${"ab".repeat(32)}`, network: `eip155:${CHAIN_ID}` });
  const server = createServer((request, response) => {
    request.resume();
    request.on("end", () => {
      const body = request.url === "/verify" ? verified : settled;
      response.writeHead(200, { "content-type": "application/json", "content-length": body.length }).end(body);
    });
  });
  server.keepAliveTimeout = 600_000;
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { url: `http://127.0.0.1:${port}`, stop: () => server.closeAllConnections() };
}

/** A Worker that asks the facilitator as often as its path says, one after the other. */
function startTrips(url: string): Miniflare {
  const script = `export default { async fetch(request) {
    const count = Number(new URL(request.url).pathname.slice(1));
    for (let at = 0; at < count; at += 1) {
      const answer = await fetch("${url}/verify", { method: "POST", body: "x".repeat(1500) });
      await answer.text();
    }
    return new Response("ok");
  } };`;
  return new Miniflare(
    convertV4MiniflareOptions({
      host: "127.0.0.1",
      port: 0,
      cf: false,
      telemetry: { enabled: false },
      log: new Log(LogLevel.WARN),
      workers: [
        {
          name: "trips",
          modules: [{ type: "ESModule", path: "trips.mjs", contents: script }],
          compatibilityDate: COMPATIBILITY_DATE,
          unsafeDirectSockets: [{ host: "127.0.0.1", port: TRIP_PORT }],
        },
      ],
    }),
  );
}

/** For the Worker that only asks the facilitator: that many round trips. */
function tripRequest(trips: number): Buffer {
  return Buffer.from(`GET /${trips} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
}

async function configure(ownerKey: string, origin: string, facilitatorUrl: string): Promise<Record<Kind, string>> {
  const post = async (path: string, body: unknown): Promise<Readonly<Record<string, unknown>>> => {
    const response = await fetch(`http://127.0.0.1:${ADMIN_PORT}/api/v1${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${ownerKey}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (response.status !== 201) throw new Error(`POST ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as Readonly<Record<string, unknown>>;
  };
  const secret = `bench-${"k".repeat(32)}`;
  await post("/connections", { id: "conn_bench", name: "Bench", base_url: origin, auth: { scheme: "bearer" }, secret });
  const team = await post("/recipients", { name: "Team", kind: "team" });
  await post(`/recipients/${String(team["id"])}/credits/top-ups`, { usd_micros: 1_000_000_000 });
  const issue = async (price: object | null): Promise<string> => {
    const made = await post("/delegated-credentials", {
      connection_id: "conn_bench",
      recipient_id: team["id"],
      name: "bench",
      allowed_methods: ["GET"],
      allowed_paths: ["/contacts/*"],
      ttl_seconds: 86_400,
      ...(price === null ? {} : { price }),
    });
    return String(made["token"]);
  };
  const accept = {
    network: `eip155:${CHAIN_ID}`,
    asset: TOKEN,
    pay_to: PAY_TO,
    decimals: 6,
    name: "USDC",
    version: "2",
  };
  const each = { default_usd_micros: PRICE_USD_MICROS };
  const x402 = { accepts: [accept], facilitator_url: facilitatorUrl, quote_lifetime_seconds: 3_600 };
  return {
    "no price": await issue(null),
    credits: await issue({ provider: "credits", account: "recipient", ...each }),
    x402: await issue({ provider: "x402", ...each, ...x402 }),
  };
}

function requestOf(token: string, header = ""): Buffer {
  return Buffer.from(`GET ${PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n${header}\r\n`);
}

async function unsigned(tokens: Record<Kind, string>): Promise<Record<"no price" | "credits", readonly Buffer[]>> {
  return { "no price": [requestOf(tokens["no price"])], credits: [requestOf(tokens.credits)] };
}

/** Each payment pays once, so all are signed beforehand, for one offer. */
async function signed(token: string, count: number): Promise<Buffer[]> {
  const asked = await fetch(`http://127.0.0.1:${PROXY_PORT}${PATH}`, { headers: { authorization: `Bearer ${token}` } });
  const required = JSON.parse(atob(asked.headers.get("payment-required") ?? "")) as {
    readonly accepts: readonly { readonly amount: string; readonly payTo: `0x${string}` }[];
  };
  const [accepted] = required.accepts;
  if (accepted === undefined) throw new Error("no offer");
  const payer = privateKeyToAccount(generatePrivateKey());
  const requests: Buffer[] = [];
  for (let at = 0; at < count; at += 1) {
    const payload = await signedTransfer(payer, accepted.payTo, accepted.amount, at);
    requests.push(
      requestOf(token, `PAYMENT-SIGNATURE: ${btoa(JSON.stringify({ x402Version: 2, accepted, payload }))}\r\n`),
    );
  }
  return requests;
}

async function signedTransfer(
  payer: ReturnType<typeof privateKeyToAccount>,
  to: `0x${string}`,
  amount: string,
  at: number,
): Promise<object> {
  const message = {
    from: payer.address,
    to,
    value: BigInt(amount),
    validAfter: 0n,
    validBefore: BigInt(Math.floor(Date.now() / 1_000) + 3_600),
    nonce: `0x${at.toString(16).padStart(64, "0")}` as const,
  };
  const signature = await payer.signTypedData({
    domain: { name: "USDC", version: "2", chainId: CHAIN_ID, verifyingContract: TOKEN },
    types: {
      TransferWithAuthorization: [
        { name: "from", type: "address" },
        { name: "to", type: "address" },
        { name: "value", type: "uint256" },
        { name: "validAfter", type: "uint256" },
        { name: "validBefore", type: "uint256" },
        { name: "nonce", type: "bytes32" },
      ],
    },
    primaryType: "TransferWithAuthorization",
    message,
  });
  return {
    signature,
    authorization: Object.fromEntries(Object.entries(message).map(([name, value]) => [name, String(value)])),
  };
}

/** The three kinds take turns on every connection. */
async function measure(
  requests: Record<Kind, readonly Buffer[]>,
  connections: number,
  calls: number,
): Promise<readonly Row[]> {
  const askers = await Promise.all(Array.from({ length: connections }, () => Asker.open(PROXY_PORT)));
  const tripAskers = await Promise.all(askers.map(() => Asker.open(TRIP_PORT)));
  const latencies: Record<Kind, number[]> = { "no price": [], credits: [], x402: [] };
  const trips: Record<"none" | "both", number[]> = { none: [], both: [] };
  const unused = requests.x402 as Buffer[];
  const turns = async (count: number, keep: boolean): Promise<void> => {
    let left = count;
    await Promise.all(
      askers.map(async (asker, at) => {
        while (left > 0) {
          left -= 1;
          const none = (await tripAskers[at]?.ask(tripRequest(0))) ?? Number.NaN;
          const both = (await tripAskers[at]?.ask(tripRequest(TRIPS_PER_CALL))) ?? Number.NaN;
          if (keep) {
            trips.none.push(none);
            trips.both.push(both);
          }
          for (const kind of KINDS) {
            const request = kind === "x402" ? unused.pop() : requests[kind][0];
            if (request === undefined) throw new Error("too few payments were signed");
            const ms = await asker.ask(request);
            if (keep) latencies[kind].push(ms);
          }
        }
      }),
    );
  };
  await turns(WARM_UP_CALLS, false);
  await turns(calls, true);
  for (const asker of [...askers, ...tripAskers]) asker.close();
  return KINDS.map((kind) => {
    const at = (q: number): number => quantile(latencies[kind], q);
    const added = (q: number): number => {
      const facilitator = kind === "x402" ? quantile(trips.both, q) - quantile(trips.none, q) : 0;
      return at(q) - quantile(latencies["no price"], q) - facilitator;
    };
    return {
      connections,
      kind,
      p10Ms: at(0.1),
      p50Ms: at(0.5),
      p90Ms: at(0.9),
      addedP10Ms: added(0.1),
      addedP50Ms: added(0.5),
    };
  });
}

/** Processor milliseconds of the runtime per call, by kind; the median of some blocks. */
async function measureProcessor(
  requests: Record<Kind, readonly Buffer[]>,
  pids: readonly number[],
): Promise<Record<Kind, number>> {
  const used = (): number => pids.reduce((sum, pid) => sum + (processorMs(pid) ?? Number.NaN), 0);
  const askers = await Promise.all(Array.from({ length: BLOCK_CONNECTIONS }, () => Asker.open(PROXY_PORT)));
  const costs: Record<Kind, number[]> = { "no price": [], credits: [], x402: [] };
  const unused = requests.x402 as Buffer[];
  for (let round = 0; round < BLOCK_ROUNDS; round += 1) {
    for (const kind of KINDS) {
      // What earlier calls left to do would count as this block's.
      await new Promise((done) => setTimeout(done, 1_000));
      const before = used();
      let left = BLOCK_CALLS;
      await Promise.all(
        askers.map(async (asker) => {
          while (left-- > 0) await asker.ask((kind === "x402" ? unused.pop() : requests[kind][0]) ?? Buffer.alloc(0));
        }),
      );
      await new Promise((done) => setTimeout(done, 500));
      costs[kind].push((used() - before) / BLOCK_CALLS);
    }
  }
  for (const asker of askers) asker.close();
  return {
    "no price": quantile(costs["no price"], 0.5),
    credits: quantile(costs.credits, 0.5),
    x402: quantile(costs.x402, 0.5),
  };
}

function render(rows: readonly Row[], processor: Record<Kind, number>, calls: number): string {
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}`;
  const lines = rows.map(({ connections, kind, ...row }) => {
    const times = [row.p10Ms, row.p50Ms, row.p90Ms, row.addedP10Ms, row.addedP50Ms, processor[kind]];
    return [connections, kind, ...times.map((ms) => ms.toFixed(2))].join(" | ");
  });
  return `# What the payment step adds

Measured ${new Date().toISOString().slice(0, 10)} on ${machine}, Linux, everything on one machine, load average ${loadavg()[0]?.toFixed(1)} (above
${cpus().length} other work was running). Calls without a price, paid out of credits and paid by token (x402, \`authorization\`) take turns on
the same connections, ${calls} calls of each. The facilitator is a stub that answers at once; the ${TRIPS_PER_CALL} round trips of a paid call are
measured in the same turns and left out of the added times. Repeat with \`npm run bench:payments\`.

| connections | paid by | p10 ms | p50 ms | p90 ms | added at p10 | added at p50 | processor ms per call |
|---:|---|---:|---:|---:|---:|---:|---:|
${lines.map((line) => `| ${line} |`).join("\n")}
`;
}

await main();
process.exit(0);
