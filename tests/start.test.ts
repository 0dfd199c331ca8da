/** What `npm start` promises a newcomer and an operator: lines that can be pasted, one clear line when it cannot start, nothing twice. */
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { apiClient, items, member } from "./harness/api-client.ts";
import { startStack, type Stack } from "./harness/stack.ts";

const REPOSITORY = resolve(import.meta.dirname, "..");

describe("a first start", () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack({ demo: true });
  });

  afterAll(async () => {
    await stack?.stop();
  });

  /** The printed command whose text contains `part`, run as a shell would run it. */
  function paste(part: string): string {
    const line = stack
      .output()
      .split("\n")
      .find((each) => each.trim().startsWith("curl ") && each.includes(part));
    expect(line, `no line with ${part} in:\n${stack.output()}`).toBeDefined();
    return spawnSync("/bin/sh", ["-c", line ?? ""], { encoding: "utf8" }).stdout;
  }

  it("prints lines that can be pasted: one 200, one 403, one that lists both", async () => {
    expect(paste("curl -i http")).toMatch(/^HTTP\/1\.1 200 [\s\S]*Contact 1/);
    expect(paste("-X DELETE")).toMatch(/^HTTP\/1\.1 403 [\s\S]*"method_denied"/);
    const api = apiClient(stack);
    const listed = await api.admin("GET", "/api/v1/delegated-credentials");
    const id = String(member(listed.body, "data", 0, "id"));
    await api.events(id, 2);
    const audit: unknown = JSON.parse(paste("audit-events"));
    expect(JSON.stringify(audit)).toContain(id);
  });

  it("writes its secrets for the owner's eyes only and shows the owner key once", () => {
    expect(statSync(stack.varsPath).mode & 0o777).toBe(0o600);
    expect(stack.output()).toContain("Owner key, shown this once");
  });

  it("answers as localhost over IPv6 as well, where the machine has it", async () => {
    const ipv6 = await fetch(`http://[::1]:${stack.proxyPort}/health`).catch(() => null);
    if (ipv6 !== null) expect(ipv6.status).toBe(200);
    expect((await fetch(`http://127.0.0.1:${stack.adminPort}/health`)).status).toBe(200);
  });

  it("stops cleanly, and a second start seeds nothing, shows no token, and still has everything", async () => {
    const api = apiClient(stack);
    const before = await api.admin("GET", "/api/v1/delegated-credentials");
    const from = stack.output().length;
    expect(await stack.terminate()).toBe(0);
    await stack.start();
    const printed = stack.output().slice(from);
    expect(printed).not.toMatch(/rk_proxy_|rk_mgmt_/);
    expect(printed).toContain("To make another");
    const after = await api.admin("GET", "/api/v1/delegated-credentials");
    expect(items(member(after.body, "data"))).toHaveLength(items(member(before.body, "data")).length);
    const connections = await api.admin("GET", "/api/v1/connections");
    expect(items(member(connections.body, "data"))).toHaveLength(1);
    const remade = paste("delegated-credentials");
    expect(remade).toContain("rk_proxy_");
  });
});

describe("a start without demo", () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack({ demo: false, environment: { ALLOW_PRIVATE_UPSTREAMS: "false" } });
  });

  afterAll(async () => {
    await stack?.stop();
  });

  it("seeds nothing, has no demo vendor, and allows no private upstream", async () => {
    const api = apiClient(stack);
    const connections = await api.admin("GET", "/api/v1/connections");
    expect(items(member(connections.body, "data"))).toEqual([]);
    await expect(fetch(`http://127.0.0.1:${stack.demoPort}/_log`)).rejects.toThrow();
    const refused = await api.admin("POST", "/api/v1/connections", {
      name: "inside",
      base_url: "http://127.0.0.1:9",
      auth: { scheme: "bearer" },
      secret: "not a real key",
    });
    expect(refused.status, refused.text).toBeGreaterThanOrEqual(400);
    expect(refused.status).toBeLessThan(500);
    expect(refused.text).toContain("base_url");
  });

  it("leaves nothing behind when it is killed, so that the next start finds its ports free", async () => {
    await stack.killScript();
    await stack.start();
    expect((await fetch(`${stack.proxy}/health`)).status).toBe(200);
  });
});

describe("a start that cannot succeed", () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "relaykey-start-"));
  });

  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  /** `printed` is called once the first line has come: the settings and the ports were looked at by then. */
  function start(
    environment: Readonly<Record<string, string>>,
    printed = () => {},
  ): Promise<{ code: number | null; stderr: string }> {
    return new Promise((done) => {
      const child = spawn(process.execPath, ["scripts/start.ts"], {
        cwd: REPOSITORY,
        env: {
          ...process.env,
          NODE_OPTIONS: "",
          RELAYKEY_STATE_DIR: join(directory, "state"),
          RELAYKEY_DEV_VARS: join(directory, "vars"),
          RELAYKEY_PROXY_PORT: "18791",
          RELAYKEY_ADMIN_PORT: "18792",
          RELAYKEY_DEMO_PORT: "18793",
          ...environment,
        },
      });
      let stderr = "";
      child.stdout.once("data", printed);
      child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString("utf8")));
      child.on("close", (code) => done({ code, stderr }));
    });
  }

  async function expectOneLine(
    environment: Readonly<Record<string, string>>,
    ...parts: readonly string[]
  ): Promise<void> {
    const { code, stderr } = await start(environment);
    expect(code, stderr).toBe(1);
    expect(stderr.trim().split("\n"), stderr).toHaveLength(1);
    for (const part of parts) expect(stderr).toContain(part);
  }

  it("names a busy port and the variable that moves it", async () => {
    const blocker = createServer();
    await new Promise<void>((done) => blocker.listen(0, "127.0.0.1", done));
    const address = blocker.address();
    const port = typeof address === "object" && address !== null ? String(address.port) : "";
    try {
      for (const name of ["RELAYKEY_PROXY_PORT", "RELAYKEY_ADMIN_PORT", "RELAYKEY_DEMO_PORT"]) {
        await expectOneLine({ [name]: port }, `Port ${port} is in use`, name);
      }
    } finally {
      blocker.close();
    }
  });

  it("names a port that somebody takes while it starts", async () => {
    const blocker = createServer();
    const bound = Promise.withResolvers<void>();
    const started = start({ RELAYKEY_DEMO: "off" }, () => blocker.listen(18_792, "127.0.0.1", bound.resolve));
    try {
      await bound.promise;
      const { code, stderr } = await started;
      expect(code, stderr).toBe(1);
      expect(stderr.trim().split("\n"), stderr).toHaveLength(1);
      expect(stderr).toContain("Port 18792 is in use");
      expect(stderr).toContain("RELAYKEY_ADMIN_PORT");
    } finally {
      blocker.close();
    }
  });

  it("names a setting that is malformed", async () => {
    await expectOneLine({ RELAYKEY_PROXY_PORT: "http" }, "RELAYKEY_PROXY_PORT");
    await expectOneLine({ RELAYKEY_ADMIN_PORT: "18791" }, "must differ");
    await expectOneLine({ RELAYKEY_DEMO: "maybe" }, "RELAYKEY_DEMO");
  });

  it("names a secret that is missing or malformed, and never prints one", async () => {
    const { loadVars } = await import("../scripts/dev-vars.ts");
    const path = join(directory, "vars");
    const { secrets } = loadVars(path, {}, { mayCreate: true });
    const whole = readFileSync(path, "utf8");
    for (const [name, secret] of Object.entries(secrets)) {
      writeFileSync(path, whole.replace(new RegExp(`^${name}=.*\n`, "m"), ""));
      await expectOneLine({}, name, "missing");
      writeFileSync(path, whole.replace(secret, `${secret}x`));
      const { stderr } = await start({});
      expect(stderr).toContain("malformed");
      expect(stderr).not.toContain(secret);
    }
    writeFileSync(path, "RELAYKEY_PEPPERS\n");
    await expectOneLine({}, "line 1");
    await expectOneLine(
      { RELAYKEY_DEV_VARS: join(directory, "none"), RELAYKEY_KEKS: secrets.RELAYKEY_KEKS },
      "RELAYKEY_PEPPERS",
    );
  });

  it("refuses a state made with other secrets, a state that cannot be read, and one in use", async () => {
    const { openState } = await import("../scripts/local-state.ts");
    const { loadVars } = await import("../scripts/dev-vars.ts");
    const state = openState(join(directory, "state"));
    state.claim(loadVars(join(directory, "vars"), {}, { mayCreate: true }).secrets);
    state.release();
    loadVars(join(directory, "other"), {}, { mayCreate: true });
    await expectOneLine({ RELAYKEY_DEV_VARS: join(directory, "other") }, "made with other secrets");
    await expectOneLine({ RELAYKEY_DEV_VARS: join(directory, "absent") }, "is missing", "restore");
    cpSync(join(directory, "state"), join(directory, "broken"), { recursive: true });
    writeFileSync(join(directory, "broken/relaykey.json"), "{");
    await expectOneLine({ RELAYKEY_STATE_DIR: join(directory, "broken") }, "relaykey.json cannot be read");
    writeFileSync(join(directory, "file"), "");
    await expectOneLine({ RELAYKEY_STATE_DIR: join(directory, "file") }, "cannot be used");
    if (process.getuid?.() !== 0) {
      chmodSync(join(directory, "state"), 0o000);
      await expectOneLine({}, "cannot be used");
      chmodSync(join(directory, "state"), 0o700);
    }
  });
});
