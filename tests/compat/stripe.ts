/** The `stripe` package, unmodified: by host name with its default client, and by path with its fetch client. */
import { Agent } from "node:http";
import Stripe from "stripe";
import { expect, it } from "vitest";
import type { Answer, RecordingVendor } from "../harness/recording-vendor.ts";
import { everythingSeen, thrown, type Connected, type World } from "./world.ts";

/** Customers by idempotency key, as the vendor keeps them. */
const created = new Map<string, string>();
let failuresLeft = 0;

const answer: Answer = (request, response) => {
  const json = (body: unknown, status = 200): void =>
    void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  const url = new URL(request.target, "http://vendor.test");
  if (url.pathname === "/v1/balance") return json({ object: "balance", available: [{ amount: 7, currency: "eur" }] });
  if (url.pathname === "/v1/customers" && request.method === "POST") {
    const key = String(request.headers["idempotency-key"]);
    const id = created.get(key) ?? `cus_${created.size}`;
    created.set(key, id);
    if (failuresLeft > 0) {
      failuresLeft -= 1;
      return json({ error: { type: "api_error", message: "try again" } }, 500);
    }
    return json({ id, object: "customer" });
  }
  if (url.pathname === "/v1/customers") {
    const after = url.searchParams.get("starting_after");
    const data = after === null ? ["cus_a", "cus_b"] : ["cus_c"];
    const list = data.map((id) => ({ id, object: "customer" }));
    return json({ object: "list", url: "/v1/customers", data: list, has_more: after === null });
  }
  return json({ error: { type: "invalid_request_error", message: "No such route" } }, 404);
};

export function stripeSuite(world: () => World): void {
  let vendor: RecordingVendor;
  let files: RecordingVendor;
  let connected: Connected;
  let token = "";
  let byHost: Stripe;

  it("stripe: is set up", async () => {
    [vendor, files] = await Promise.all([world().vendor(), world().vendor()]);
    vendor.answerWith(answer);
    files.answerWith((_request, response) => {
      response.writeHead(200, { "content-type": "application/json" }).end('{"id":"file_1","object":"file"}');
    });
    connected = await world().connect("conn_stripe", {
      vendor: "stripe",
      base_url: vendor.origin,
      origins: [{ name: "files", base_url: files.origin, path_prefixes: ["/v1/files"] }],
    });
    token = await connected.token([
      { methods: ["GET"], paths: ["/v1/balance", "/v1/customers"] },
      { methods: ["POST"], paths: ["/v1/customers", "/v1/files"] },
    ]);
    // Node does not resolve names below localhost; DNS is not the SDK's business.
    const httpAgent = new Agent({
      lookup: (_host, options, done) =>
        typeof options === "object" && options.all === true
          ? done(null, [{ address: "127.0.0.1", family: 4 }])
          : done(null, "127.0.0.1", 4),
    });
    const { proxyPort } = world().stack;
    byHost = new Stripe(token, { host: "stripe.localhost", port: proxyPort, protocol: "http", httpAgent });
  });

  it("stripe: reads by host name, key swapped", async () => {
    const balance = await byHost.balance.retrieve();
    expect(balance.available[0]?.amount).toBe(7);
    expect(vendor.requests[0]?.headers.authorization).toBe(`Bearer ${connected.secret}`);
    expect(everythingSeen(vendor)).not.toContain(token);
  });

  it("stripe: an account header is dropped", async () => {
    await byHost.balance.retrieve({}, { stripeAccount: "acct_of_somebody_else" });
    expect(vendor.requests.at(-1)?.headers["stripe-account"]).toBeUndefined();
  });

  it("stripe: one write, however often it had to be sent, under one idempotency key", async () => {
    failuresLeft = 1;
    const customer = await byHost.customers.create({ email: "a@example.com" }, { idempotencyKey: "key-of-the-test" });
    expect(customer.id).toBe("cus_0");
    expect([...created.keys()]).toEqual(["key-of-the-test"]);
    const writes = vendor.requests.filter(({ method }) => method === "POST");
    expect(writes.length).toBe(2);
    expect(new Set(writes.map(({ body }) => body.toString())).size).toBe(1);
  });

  it("stripe: pages through a list by itself", async () => {
    const ids: string[] = [];
    for await (const customer of byHost.customers.list({ limit: 2 })) ids.push(customer.id);
    expect(ids).toEqual(["cus_a", "cus_b", "cus_c"]);
  });

  it("stripe: file uploads reach the other host of the vendor, on the same connection", async () => {
    const file = await byHost.files.create({
      purpose: "dispute_evidence",
      file: { data: Buffer.from("evidence"), name: "a.txt", type: "text/plain" },
    });
    expect(file.id).toBe("file_1");
    expect(files.requests[0]?.target).toBe("/v1/files");
    expect(files.requests[0]?.headers.authorization).toBe(`Bearer ${connected.secret}`);
    expect(files.requests[0]?.body.toString("latin1")).toContain("evidence");
  });

  it("stripe: a refusal is a permission error that says why, and is not repeated", async () => {
    const before = vendor.requests.length;
    const error = await thrown(() => byHost.refunds.create({ charge: "ch_1" }));
    expect(error).toBeInstanceOf(Stripe.errors.StripePermissionError);
    expect(error).toMatchObject({ statusCode: 403, code: "path_denied" });
    expect(String(error)).toMatch(/\/v1\/refunds|outside/);
    expect(vendor.requests.length).toBe(before);
  });

  it("stripe: by path with the fetch client", async () => {
    // The SDK has no base path, so its fetch client is given the address; its own host option would add a port.
    const byPath = new Stripe(token, {
      httpClient: Stripe.createFetchHttpClient((input, init) => {
        const url = new URL(input instanceof Request ? input.url : input);
        return fetch(`${connected.proxy}${url.pathname}${url.search}`, init);
      }),
    });
    expect((await byPath.balance.retrieve()).object).toBe("balance");
  });
}
