/** Secret providers against loopback servers that speak the real protocols, and their cache against a clock of its own. */
import { createHash, createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { seal, type Keks } from "../src/cloudflare/envelope.ts";
import { SecretUnavailable, type SecretProviderSettings } from "../src/cloudflare/secret-provider.ts";
import {
  SECRET_LIFETIME_MS,
  SECRET_REFRESH_MS,
  secretProviderSettings,
  secretSource,
} from "../src/cloudflare/secret-providers.ts";
import type { ConnectionDocument, SecretLocation, UpstreamCredentialDocument } from "../src/domain/documents.ts";

const SECRET = ["upstream", "secret", "for", "tests"].join("-");
const VAULT_TOKEN = ["vault", "token", "for", "tests"].join("-");
const AWS_SECRET = ["aws", "secret", "for", "tests"].join("-");
const keks: Keks = [{ id: "k1", key: new Uint8Array(32).fill(7) }];

interface Seen {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}
let server: Server;
let origin = "";
let seen: Seen[] = [];
let answer: (request: Seen, response: ServerResponse) => void = () => undefined;
let now = Date.UTC(2026, 0, 2, 3, 4, 5);

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const one = { path: request.url ?? "", headers: request.headers, body: Buffer.concat(chunks).toString() };
      seen.push(one);
      answer(one, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));
beforeEach(() => {
  seen = [];
});

function settings(over: Record<string, unknown> = {}): SecretProviderSettings {
  const env = {
    VAULT_ADDR: `${origin}/`,
    VAULT_TOKEN,
    VAULT_NAMESPACE: "team/a",
    AWS_REGION: "eu-central-1",
    AWS_ACCESS_KEY_ID: "AKIDTEST",
    AWS_SECRET_ACCESS_KEY: AWS_SECRET,
    AWS_SECRETS_MANAGER_ENDPOINT: `${origin}/`,
    STRIPE_KEY: SECRET,
    ...over,
  };
  return secretProviderSettings(env, keks, { fetch: (request) => fetch(request), nowMs: () => now });
}

const connection = { id: "conn_a" } as ConnectionDocument;
function credential(location: SecretLocation, version = 1): UpstreamCredentialDocument {
  return {
    id: "ucred_a",
    version,
    environment: null,
    priority: 0,
    weight: 1,
    state: "active",
    canaryShare: 0,
    location,
  };
}
const vaultAt: SecretLocation = { provider: "vault", mount: "secret", path: "apps/stripe live", field: "api_key" };
const json = (response: ServerResponse, body: unknown, status = 200): void => {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
};
/** Answers as KV version 2 does. */
const vaultAnswers: typeof answer = (request, response) => {
  if (request.headers["x-vault-token"] !== VAULT_TOKEN) return json(response, { errors: ["permission denied"] }, 403);
  return json(response, {
    request_id: "r",
    data: { data: { api_key: SECRET, other: "x" }, metadata: { version: 3, destroyed: false } },
  });
};

describe("Vault KV version 2", () => {
  test("reads the field of the current version, with token and namespace", async () => {
    answer = vaultAnswers;
    expect(await secretSource(settings()).open("org", connection, credential(vaultAt))).toBe(SECRET);
    expect(seen[0]?.path).toBe("/v1/secret/data/apps/stripe%20live");
    expect(seen[0]?.headers).toMatchObject({ "x-vault-token": VAULT_TOKEN, "x-vault-namespace": "team/a" });
  });

  test.each<[string, Partial<Extract<SecretLocation, { provider: "vault" }>>, typeof answer]>([
    ["a field that is missing", { field: "nope" }, vaultAnswers],
    ["an inherited member", { field: "constructor" }, vaultAnswers],
    ["a deleted version", {}, (_r, response) => json(response, { data: { data: null } })],
    ["a refusal", {}, (_r, response) => json(response, { errors: [SECRET] }, 403)],
    ["no JSON", {}, (_r, response) => void response.end(`not json ${SECRET}`)],
    ["a redirect", {}, (_r, response) => void response.writeHead(307, { location: `${origin}/x` }).end()],
    ["an endless answer", {}, (_r, response) => void response.end(`"${"x".repeat(400_000)}"`)],
    ["a reset", {}, (_r, response) => void response.destroy()],
  ])("fails without quoting anything: %s", async (_name, over, how) => {
    answer = how;
    const location = { ...vaultAt, ...over } as SecretLocation;
    const error: unknown = await secretSource(settings())
      .open("org", connection, credential(location))
      .catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(SecretUnavailable);
    expect(String(error)).not.toContain(SECRET);
    expect(String(error)).not.toContain(VAULT_TOKEN);
    expect(seen.length).toBe(1);
  });

  test.each(["../sys/seal", "a/./b", "", "//"])("never asks for the path %j", async (path) => {
    answer = vaultAnswers;
    const opened = secretSource(settings()).open("org", connection, credential({ ...vaultAt, path } as SecretLocation));
    await expect(opened).rejects.toBeInstanceOf(SecretUnavailable);
    expect(seen).toEqual([]);
  });

  test("is off when it is not configured", async () => {
    const opened = secretSource(settings({ VAULT_TOKEN: "" })).open("org", connection, credential(vaultAt));
    await expect(opened).rejects.toThrow("vault: not configured");
  });
});

describe("AWS Secrets Manager", () => {
  const at: SecretLocation = { provider: "aws_secrets_manager", secretId: "prod/stripe", field: null };

  /** Checks the signature as the service does (Signature Version 4, POST to /). */
  function signatureHolds(request: Seen): boolean {
    const match =
      /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
        String(request.headers["authorization"]),
      );
    if (match === null) return false;
    const [, keyId, date, region, service, signedHeaders = "", signature] = match;
    if (keyId !== "AKIDTEST" || region !== "eu-central-1" || service !== "secretsmanager") return false;
    const hash = (text: string) => createHash("sha256").update(text).digest("hex");
    const mac = (key: Buffer | string, text: string) => createHmac("sha256", key).update(text).digest();
    const canonicalHeaders = signedHeaders
      .split(";")
      .map((name) => `${name}:${String(request.headers[name]).trim()}\n`);
    const canonical = ["POST", request.path, "", canonicalHeaders.join(""), signedHeaders, hash(request.body)].join(
      "\n",
    );
    const stamp = String(request.headers["x-amz-date"]);
    const scope = `${date}/${region}/${service}/aws4_request`;
    const toSign = ["AWS4-HMAC-SHA256", stamp, scope, hash(canonical)].join("\n");
    const key = mac(mac(mac(mac(`AWS4${AWS_SECRET}`, String(date)), region), service), "aws4_request");
    return (
      stamp === "20260102T030405Z" &&
      signedHeaders.includes("x-amz-target") &&
      mac(key, toSign).toString("hex") === signature
    );
  }
  const awsAnswers =
    (text: string): typeof answer =>
    (request, response) => {
      if (!signatureHolds(request)) return json(response, { __type: "InvalidSignatureException" }, 400);
      if (request.headers["x-amz-target"] !== "secretsmanager.GetSecretValue") return json(response, {}, 400);
      const { SecretId } = JSON.parse(request.body) as { SecretId: string };
      if (SecretId !== "prod/stripe") return json(response, { __type: "ResourceNotFoundException" }, 400);
      return json(response, { Name: SecretId, SecretString: text, VersionStages: ["AWSCURRENT"] });
    };

  test("reads a whole secret with a signature that holds", async () => {
    now = Date.UTC(2026, 0, 2, 3, 4, 5);
    answer = awsAnswers(SECRET);
    expect(await secretSource(settings()).open("org", connection, credential(at))).toBe(SECRET);
    expect(seen[0]?.headers["content-type"]).toBe("application/x-amz-json-1.1");
  });
  test("a wrong secret access key is refused by the server", async () => {
    answer = awsAnswers(SECRET);
    const opened = secretSource(settings({ AWS_SECRET_ACCESS_KEY: "other" })).open("org", connection, credential(at));
    await expect(opened).rejects.toThrow("aws_secrets_manager: answered 400");
  });
  test("signs the session token along", async () => {
    answer = awsAnswers(SECRET);
    await secretSource(settings({ AWS_SESSION_TOKEN: "session" })).open("org", connection, credential(at));
    expect(seen[0]?.headers["x-amz-security-token"]).toBe("session");
  });
  test("picks a field, or fails without quoting the secret", async () => {
    answer = awsAnswers(JSON.stringify({ key: SECRET, number: 7 }));
    const source = secretSource(settings());
    expect(await source.open("org", connection, credential({ ...at, field: "key" }))).toBe(SECRET);
    for (const field of ["number", "nope", "toString"]) {
      const error: unknown = await source
        .open("org", connection, credential({ ...at, field }))
        .catch((failure: unknown) => failure);
      expect(String(error)).toBe("SecretUnavailable: aws_secrets_manager: the field is missing");
    }
    answer = awsAnswers(`{broken ${SECRET}`);
    await expect(secretSource(settings()).open("org", connection, credential({ ...at, field: "key" }))).rejects.toThrow(
      /^aws_secrets_manager: the field is missing$/,
    );
  });
  test("an unknown secret is unavailable", async () => {
    answer = awsAnswers(SECRET);
    await expect(
      secretSource(settings()).open("org", connection, credential({ ...at, secretId: "nope" })),
    ).rejects.toBeInstanceOf(SecretUnavailable);
  });
});

describe("bindings", () => {
  test("a Worker secret is read by name", async () => {
    const at: SecretLocation = { provider: "worker_secret", binding: "STRIPE_KEY" };
    expect(await secretSource(settings()).open("org", connection, credential(at))).toBe(SECRET);
  });
  test.each([
    "RELAYKEY_KEKS",
    "RELAYKEY_OWNER_KEY",
    "VAULT_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "RESEND_API_KEY",
    "MISSING",
    "toString",
  ])("never gives %s", async (binding) => {
    const env = { RELAYKEY_KEKS: "k", RELAYKEY_OWNER_KEY: "o", RESEND_API_KEY: "r" };
    for (const provider of ["worker_secret", "secrets_store"] as const) {
      await expect(
        secretSource(settings(env)).open("org", connection, credential({ provider, binding })),
      ).rejects.toBeInstanceOf(SecretUnavailable);
    }
  });
  test("a Secrets Store binding is asked, and its failure says nothing", async () => {
    const at: SecretLocation = { provider: "secrets_store", binding: "STORE" };
    const good = settings({ STORE: { get: () => Promise.resolve(SECRET) } });
    expect(await secretSource(good).open("org", connection, credential(at))).toBe(SECRET);
    const bad = settings({ STORE: { get: () => Promise.reject(new Error(SECRET)) } });
    await expect(secretSource(bad).open("org", connection, credential(at))).rejects.toThrow(
      "secrets_store: not reached",
    );
  });
});

describe("envelope", () => {
  test("opens for its own row alone", async () => {
    const context = { organisationId: "org", connectionId: "conn_a", credentialId: "ucred_a", version: 1 };
    const location: SecretLocation = { provider: "envelope", sealed: await seal(SECRET, keks, context) };
    const source = secretSource(settings());
    expect(await source.open("org", connection, credential(location))).toBe(SECRET);
    await expect(source.open("other", connection, credential(location))).rejects.toThrow();
    await expect(source.open("org", connection, credential(location, 2))).rejects.toThrow();
  });
});

describe("cache", () => {
  test("asks once within the refresh time, again after it, and at once for another version", async () => {
    answer = vaultAnswers;
    const source = secretSource(settings());
    for (let i = 0; i < 5; i += 1) await source.open("org", connection, credential(vaultAt));
    expect(seen.length).toBe(1);
    await source.open("org", connection, credential(vaultAt, 2));
    expect(seen.length).toBe(2);
    now += SECRET_REFRESH_MS;
    await source.open("org", connection, credential(vaultAt));
    expect(seen.length).toBe(3);
  });

  test("is one organisation's own", async () => {
    answer = vaultAnswers;
    const source = secretSource(settings());
    await source.open("org", connection, credential(vaultAt));
    await source.open("other", connection, credential(vaultAt));
    expect(seen.length).toBe(2);
  });

  test("a provider that is down: the kept value within its lifetime, then unavailable", async () => {
    answer = vaultAnswers;
    const source = secretSource(settings());
    const readAt = now;
    await source.open("org", connection, credential(vaultAt));
    answer = (_request, response) => json(response, { errors: ["sealed"] }, 503);
    now = readAt + SECRET_LIFETIME_MS - 1;
    expect(await source.open("org", connection, credential(vaultAt))).toBe(SECRET);
    const asked = seen.length;
    await source.open("org", connection, credential(vaultAt));
    expect(seen.length).toBe(asked);
    now = readAt + SECRET_LIFETIME_MS;
    await expect(source.open("org", connection, credential(vaultAt))).rejects.toBeInstanceOf(SecretUnavailable);
    answer = vaultAnswers;
    expect(await source.open("org", connection, credential(vaultAt))).toBe(SECRET);
  });

  test("is bounded", async () => {
    answer = vaultAnswers;
    const source = secretSource(settings());
    for (let version = 1; version <= 257; version += 1)
      await source.open("org", connection, credential(vaultAt, version));
    await source.open("org", connection, credential(vaultAt, 257));
    expect(seen.length).toBe(257);
    await source.open("org", connection, credential(vaultAt, 1));
    expect(seen.length).toBe(258);
  });
});
