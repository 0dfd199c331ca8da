/** The vendor of the benchmark: nginx where it is installed, else a Node server in a process of its own. Both answer 200 with a few bytes. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assertPortFree, untilAnswering } from "../scripts/ports.ts";
import { LARGE_BYTES, LARGE_PATH } from "./large.ts";

const ANSWER = '{"ok":true,"data":["0123456789012345678901234567890123456789"]}';
const START_TIMEOUT_MS = 10_000;

export interface Upstream {
  readonly kind: string;
  readonly origin: string;
  stop(): void;
}

export async function startUpstream(port: number): Promise<Upstream> {
  await assertPortFree(port, "the benchmark's");
  const hasNginx = spawnSync("nginx", ["-v"]).status === 0;
  const upstream = hasNginx ? nginx(port) : node(port);
  // Also where the run breaks before it has come to its end.
  process.once("exit", upstream.stop);
  await untilAnswering(port, START_TIMEOUT_MS);
  return upstream;
}

function nginx(port: number): Upstream {
  const directory = mkdtempSync(join(tmpdir(), "relaykey-bench-"));
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${join(directory, name)};`)
    .join(" ");
  const config = `daemon off; master_process off; pid ${join(directory, "pid")}; error_log stderr crit;
events { worker_connections 1024; }
http { access_log off; keepalive_requests 100000000; ${paths}
  server { listen 127.0.0.1:${port}; location / { default_type application/json; return 200 '${ANSWER}'; }
    location = ${LARGE_PATH} { default_type application/octet-stream; root ${join(directory, "files")}; } } }`;
  mkdirSync(join(directory, "files", "contacts"), { recursive: true });
  writeFileSync(join(directory, "files", LARGE_PATH), randomBytes(LARGE_BYTES));
  writeFileSync(join(directory, "nginx.conf"), config);
  const child = spawn("nginx", ["-p", directory, "-c", join(directory, "nginx.conf")], { stdio: "ignore" });
  return {
    kind: "nginx",
    origin: `http://127.0.0.1:${port}`,
    stop: () => {
      child.kill("SIGKILL");
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function node(port: number): Upstream {
  const child: ChildProcess = spawn(process.execPath, [import.meta.filename, String(port)], { stdio: "ignore" });
  return { kind: "Node", origin: `http://127.0.0.1:${port}`, stop: () => void child.kill("SIGKILL") };
}

if (import.meta.main) {
  const large = randomBytes(LARGE_BYTES);
  const server = createServer((request, response) => {
    request.resume();
    if (request.url === LARGE_PATH) {
      response
        .writeHead(200, { "content-type": "application/octet-stream", "content-length": large.length })
        .end(large);
      return;
    }
    response.writeHead(200, { "content-type": "application/json", "content-length": ANSWER.length }).end(ANSWER);
  });
  server.keepAliveTimeout = 600_000;
  server.listen(Number(process.argv[2]), "127.0.0.1");
}
