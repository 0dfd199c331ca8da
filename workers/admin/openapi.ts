/**
 * The OpenAPI 3.1 document, derived from the route table: the schemas are those that validate. Every operation lists the
 * problems that its route can answer.
 */
import * as z from "zod";
import { ADMIN_PROBLEM_KINDS, Problem } from "../../src/contract/problem.ts";
import type { AdminProblemCode } from "../../src/contract/problem.ts";
import { VERSION } from "../../src/version.ts";
import type { MediaTypes, Route } from "./route.ts";

type Json = Record<string, unknown>;
type Direction = "input" | "output";

const PROBLEMS_OF_ALL: readonly AdminProblemCode[] = ["invalid_request", "internal", "unavailable"];
const PROBLEMS_WITH_CALLER: readonly AdminProblemCode[] = ["credential_missing", "role_denied"];
const PROBLEMS_WITH_BODY: readonly AdminProblemCode[] = ["invalid_json", "body_too_large", "unsupported_media_type"];

export function openApiDocument(routes: readonly Route[], serverUrl: string | null): Json {
  const components = new Components(routes);
  const paths: Record<string, Json> = {};
  const tags = new Set<string>();
  for (const route of routes.filter(isOperation)) {
    tags.add(route.tag);
    for (const [i, path] of [route.path, ...(route.aliases ?? [])].entries()) {
      const template = path.replaceAll(/:([a-z_]+)/g, "{$1}");
      const operations = (paths[template] ??= {});
      operations[route.method.toLowerCase()] = operation(route, path, i, components);
    }
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "RelayKey admin API",
      version: VERSION,
      summary: "Configures the API-key firewall",
      description:
        "Secrets go in and never come out. Every change is on record. Errors are RFC 9457 problem documents that name the field.",
      license: { name: "Proprietary", url: "https://example.com/license" },
    },
    servers: [{ url: serverUrl ?? "/", description: "This deployment" }],
    security: [{ managementKey: [] }],
    tags: [...tags].map((name) => ({ name, description: `${name}: see each operation` })),
    paths,
    components: {
      securitySchemes: {
        managementKey: { type: "http", scheme: "bearer", bearerFormat: "rk_mgmt_<role>_…" },
        session: { type: "apiKey", in: "cookie", name: "__Host-relaykey_session" },
      },
      schemas: components.schemas,
    },
  };
}

/** Pages for people's browsers are no operations of the API. */
function isOperation(route: Route): boolean {
  return route.roles !== "public" || Object.values(route.responses).some((answer) => !isMediaTypes(answer));
}

export function isMediaTypes(answer: Route["responses"][number]): answer is MediaTypes {
  return Array.isArray(answer);
}

function operation(route: Route, path: string, aliasIndex: number, components: Components): Json {
  const parameters = [...pathParameters(route, path, components), ...queryParameters(route, components)];
  if (route.method === "POST" && route.idempotent !== false && route.roles !== "public") {
    parameters.push({
      name: "Idempotency-Key",
      in: "header",
      required: false,
      description: "The same key and request give the same answer for 24 hours.",
      schema: { type: "string", minLength: 1, maxLength: 255 },
    });
  }
  const roles = route.roles === "public" ? null : `Roles: ${route.roles.join(", ")}.`;
  const description = [route.description, roles].filter((part) => part !== undefined && part !== null).join("\n\n");
  return {
    operationId:
      aliasIndex === 0 ? route.operationId : `${route.operationId}Governance${aliasIndex > 1 ? aliasIndex : ""}`,
    tags: [route.tag],
    summary: route.summary,
    ...(description === "" ? {} : { description }),
    ...(route.roles === "public" ? { security: [] } : { security: [{ managementKey: [] }, { session: [] }] }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body === undefined ? {} : { requestBody: requestBody(route, route.body, components) }),
    responses: { ...successes(route, components), ...problems(route, components) },
  };
}

function requestBody(route: Route, body: z.ZodType, components: Components): Json {
  const schema = components.of(body, "input");
  const required = !body.safeParse({}).success;
  return {
    required,
    content: {
      "application/json": { schema },
      ...(route.accepts === "json_or_form" ? { "application/x-www-form-urlencoded": { schema } } : {}),
    },
  };
}

function successes(route: Route, components: Components): Json {
  return Object.fromEntries(
    Object.entries(route.responses).map(([status, answer]) => {
      if (answer === null) return [status, { description: "Done", headers: RESPONSE_HEADERS }];
      const content = isMediaTypes(answer)
        ? Object.fromEntries(answer.map((mediaType) => [mediaType, {}]))
        : { "application/json": { schema: components.of(answer, "output") } };
      return [status, { description: route.summary, headers: RESPONSE_HEADERS, content }];
    }),
  );
}

const RESPONSE_HEADERS = {
  "X-RelayKey-Request-Id": { description: "Id of this request, as in `instance`", schema: { type: "string" } },
};

function problems(route: Route, components: Components): Json {
  const codes: AdminProblemCode[] = [...PROBLEMS_OF_ALL];
  if (route.roles !== "public") codes.push(...PROBLEMS_WITH_CALLER);
  if (route.params !== undefined) codes.push("not_found");
  if (route.body !== undefined) codes.push(...PROBLEMS_WITH_BODY);
  if (route.method === "POST") codes.push("idempotency_mismatch");
  if (route.method !== "GET") codes.push("conflict");
  if (route.problems !== undefined) codes.push(...route.problems);
  const byStatus = new Map<number, Set<string>>();
  for (const code of codes) {
    const { status } = ADMIN_PROBLEM_KINDS[code];
    byStatus.set(status, (byStatus.get(status) ?? new Set()).add(ADMIN_PROBLEM_KINDS[code].title));
  }
  const schema = components.of(Problem, "output");
  return Object.fromEntries(
    [...byStatus].map(([status, titles]) => [
      String(status),
      { description: [...titles].join("; "), content: { "application/problem+json": { schema } } },
    ]),
  );
}

function pathParameters(route: Route, path: string, components: Components): Json[] {
  const names = [...path.matchAll(/:([a-z_]+)/g)].map((match) => match[1] ?? "");
  return names.map((name) => {
    const schema = shapeOf(route.params)[name];
    return {
      name,
      in: "path",
      required: true,
      schema: schema === undefined ? { type: "string" } : components.of(schema, "input"),
    };
  });
}

function queryParameters(route: Route, components: Components): Json[] {
  return Object.entries(shapeOf(route.query)).map(([name, schema]) => ({
    name,
    in: "query",
    required: !z.safeParse(schema, undefined).success,
    schema: components.of(schema, "input"),
  }));
}

function shapeOf(object: z.ZodObject | undefined): Record<string, z.core.$ZodType> {
  return { ...object?.shape };
}

/**
 * Named schemas, once each. A schema that stands both in requests and in answers may differ between the two (defaults,
 * transformations); what only differs by direction gets the suffix `Input` for requests.
 */
class Components {
  readonly schemas: Record<string, Json> = {};
  readonly #outputNames: ReadonlySet<string>;

  constructor(routes: readonly Route[]) {
    const names = new Set<string>();
    const answers = routes.flatMap((route) => Object.values(route.responses));
    for (const schema of [Problem, ...answers]) {
      if (schema === null || isMediaTypes(schema)) continue;
      for (const name of Object.keys(defsOf(jsonSchema(schema, "output")))) names.add(name);
    }
    this.#outputNames = names;
  }

  of(schema: z.core.$ZodType, direction: Direction): Json {
    const all = jsonSchema(schema, direction);
    const { $schema: _dialect, $defs: _defs, ...root } = all;
    for (const [name, definition] of Object.entries(defsOf(all))) {
      this.schemas[this.#nameOf(name, direction)] ??= this.#rewritten(definition, direction);
    }
    return this.#rewritten(root, direction);
  }

  #nameOf(name: string, direction: Direction): string {
    return direction === "input" && this.#outputNames.has(name) ? `${name}Input` : name;
  }

  #rewritten(value: Json, direction: Direction): Json {
    return this.#rewrite(value, direction) as Json;
  }

  #rewrite(value: unknown, direction: Direction): unknown {
    if (Array.isArray(value)) return value.map((item) => this.#rewrite(item, direction));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => {
        const name = key === "$ref" && typeof member === "string" ? /^#\/\$defs\/(.+)$/.exec(member)?.[1] : undefined;
        if (name !== undefined) return [key, `#/components/schemas/${this.#nameOf(name, direction)}`];
        return [key, this.#rewrite(member, direction)];
      }),
    );
  }
}

/** Many operations share a schema; its form is worked out once. */
const worked = { input: new WeakMap<z.core.$ZodType, Json>(), output: new WeakMap<z.core.$ZodType, Json>() };

function jsonSchema(schema: z.core.$ZodType, direction: Direction): Json {
  const known = worked[direction].get(schema);
  if (known !== undefined) return known;
  const made: Json = z.toJSONSchema(schema, { io: direction, unrepresentable: "any", target: "draft-2020-12" });
  worked[direction].set(schema, made);
  return made;
}

function defsOf(schema: Json): Record<string, Json> {
  const defs = schema["$defs"];
  return typeof defs === "object" && defs !== null ? (defs as Record<string, Json>) : {};
}
