/** What the benchmark's calls need: one connection, and credentials for it. */
const CONNECTION_ID = "conn_bench";
export const CONNECTION_PATH = `/${CONNECTION_ID}`;
const CREATE_IN_PARALLEL = 8;

export interface Issuer {
  /** The tokens of the first `count` delegated credentials; creates those that are not there yet. */
  tokens(count: number): Promise<string[]>;
}

/** Its credentials have everything on that a credential can be made to check; none of it is ever reached. */
export async function createIssuer(adminPort: number, ownerKey: string, origin: string): Promise<Issuer> {
  const post = async (path: string, body: unknown): Promise<Readonly<Record<string, unknown>>> => {
    const response = await fetch(`http://127.0.0.1:${adminPort}/api/v1${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${ownerKey}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (response.status !== 201) throw new Error(`POST ${path}: ${response.status} ${text}`);
    const value: Readonly<Record<string, unknown>> = JSON.parse(text);
    return value;
  };
  const secret = `bench-${"k".repeat(32)}`;
  await post("/connections", {
    id: CONNECTION_ID,
    name: "Bench",
    base_url: origin,
    auth: { scheme: "bearer" },
    secret,
  });
  const tokens: string[] = [];
  const createUpTo = async (count: number): Promise<void> => {
    while (tokens.length < count) {
      const place = tokens.push("") - 1;
      const made = await post("/delegated-credentials", {
        connection_id: CONNECTION_ID,
        name: `bench ${place}`,
        allowed_methods: ["GET"],
        allowed_paths: ["/contacts/*"],
        ttl_seconds: 86_400,
        trust: { mode: "first_use" },
        limits: {
          rate: [{ requests: 10_000_000, per_seconds: 60 }],
          budgets: [{ unit: "requests", limit: 1_000_000_000, window: "month" }],
        },
      });
      tokens[place] = String(made["token"]);
    }
  };
  return {
    async tokens(count) {
      await Promise.all(Array.from({ length: CREATE_IN_PARALLEL }, () => createUpTo(count)));
      return tokens.slice(0, count);
    },
  };
}
