/**
 * The layers hold because the linter says so. Each case plants one forbidden line in an empty copy of the tree, under the repository's own
 * linter configuration, and expects the linter to name the rule; the allowed twin beside it must pass.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, delimiter, dirname, join, resolve } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const REPOSITORY = resolve(import.meta.dirname, "..");
let tree: string;

beforeAll(() => {
  tree = mkdtempSync(join(tmpdir(), "relaykey-layers-"));
  copyFileSync(join(REPOSITORY, ".oxlintrc.json"), join(tree, ".oxlintrc.json"));
  copyFileSync(join(REPOSITORY, "tsconfig.base.json"), join(tree, "tsconfig.base.json"));
  const config = {
    extends: "./tsconfig.base.json",
    compilerOptions: { types: [], lib: ["ES2024", "DOM"] },
    include: ["."],
  };
  writeFileSync(join(tree, "tsconfig.json"), JSON.stringify(config));
});

afterAll(() => rmSync(tree, { recursive: true, force: true }));

interface Report {
  readonly diagnostics: readonly { readonly code: string; readonly message: string; readonly filename: string }[];
}

/** Lints the files given by path and text, alone in their tree; gives back the codes found in each. */
function lint(files: ReadonlyMap<string, string>): (path: string) => string[] {
  for (const [path, text] of files) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), `${text}\n`);
  }
  const run = spawnSync(join(REPOSITORY, "node_modules/.bin/oxlint"), ["-f", "json"], {
    cwd: tree,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, PATH: `${join(REPOSITORY, "node_modules/.bin")}${delimiter}${process.env["PATH"] ?? ""}` },
  });
  for (const path of files.keys()) rmSync(join(tree, path));
  const report: Report = JSON.parse(run.stdout);
  return (path) => report.diagnostics.filter((each) => each.filename === path).map((each) => each.code);
}

const RESTRICTED = "eslint(no-restricted-imports)";

/** The importing layer (a folder), what it may never import, and something it may. */
const LAYERS: (readonly [folder: string, forbidden: readonly string[], allowed: readonly string[]])[] = [
  [
    "src/domain",
    [
      "zod",
      "hono",
      "hono/cookie",
      "drizzle-orm",
      "node:crypto",
      "fs",
      "cloudflare:workers",
      "../ports.ts",
      "../store/control-schema.ts",
      "../cloudflare/gate.ts",
      "../../workers/proxy/env.ts",
    ],
    ["./scope.ts", "@noble/hashes/sha2.js", "regexparam"],
  ],
  ["src/catalogue", ["zod", "hono", "../store/x.ts", "../contract/x.ts"], ["../domain/scope.ts"]],
  ["src/contract", ["hono", "drizzle-orm", "../store/x.ts", "../cloudflare/x.ts"], ["zod", "../domain/scope.ts"]],
  [
    "src/steps",
    [
      "zod",
      "hono",
      "drizzle-orm",
      "cloudflare:workers",
      "../store/x.ts",
      "../cloudflare/x.ts",
      "../contract/x.ts",
      "node:fs",
    ],
    ["../domain/scope.ts", "../ports.ts"],
  ],
  ["src", ["hono", "./store/x.ts", "./cloudflare/x.ts", "cloudflare:workers"], ["./steps/x.ts", "./ports.ts"]],
  ["src/store", ["hono", "cloudflare:workers", "../cloudflare/x.ts", "../../workers/admin/env.ts"], ["drizzle-orm"]],
  ["src/cloudflare", ["hono", "drizzle-orm", "node:crypto", "../../workers/proxy/env.ts"], ["cloudflare:workers"]],
  [
    "workers/proxy",
    [
      "zod",
      "drizzle-orm",
      "../admin/env.ts",
      "../audit/env.ts",
      "../../workers/admin/env.ts",
      "node:fs",
      "../../tests/x.ts",
    ],
    ["hono", "../../src/pipeline.ts"],
  ],
  ["workers/audit", ["drizzle-orm", "../admin/env.ts", "../proxy/env.ts"], ["zod", "../../src/store/x.ts"]],
  ["workers/admin", ["drizzle-orm", "../proxy/env.ts", "../audit/env.ts"], ["zod", "hono", "../../src/store/x.ts"]],
  [
    "workers/admin/dashboard",
    ["hono", "cloudflare:workers", "../../../src/store/x.ts", "../../../src/cloudflare/x.ts"],
    ["preact", "../../../src/domain/scope.ts"],
  ],
];

const importOf = (module: string) => `import type * as planted from "${module}";\nexport type Kept = typeof planted;`;
const ALIASES = ["src/domain/scope.ts", "@/domain/scope.ts", "#domain"];

describe("the linter", () => {
  it("keeps every layer from importing what it must not, and from nothing else", () => {
    const planted = LAYERS.flatMap(([folder, forbidden, allowed]) => [
      ...[...forbidden, ...ALIASES].map((module) => ({ folder, module, expected: [RESTRICTED] })),
      ...allowed.map((module) => ({ folder, module, expected: [] })),
    ]).map((each, index) => ({ ...each, path: `${each.folder}/planted${index}.ts` }));
    const found = lint(new Map(planted.map((each) => [each.path, importOf(each.module)])));
    for (const { path, folder, module, expected } of planted) {
      expect(found(path), `${folder} importing ${module}`).toEqual(expected);
    }
  });

  it("lets the dashboard use the types of schemas, but not run them", () => {
    const files = new Map([
      ["workers/admin/dashboard/planted0.ts", 'import { z } from "zod";\nexport const kept = z;'],
      ["workers/admin/dashboard/planted1.ts", 'import type * as z from "zod";\nexport type Kept = typeof z;'],
    ]);
    const found = lint(files);
    expect(found("workers/admin/dashboard/planted0.ts")).toContain(RESTRICTED);
    expect(found("workers/admin/dashboard/planted1.ts")).not.toContain(RESTRICTED);
  });

  it("sees type imports and re-exports too", () => {
    const lines = ['import type { Hono } from "hono";\nexport type H = Hono;', 'export { Hono } from "hono";'];
    const files = lines.map((line, index) => [`src/domain/planted${index}.ts`, line] as const);
    const found = lint(new Map(files));
    for (const [path] of files) expect(found(path)).toContain(RESTRICTED);
  });

  it("finds cycles, barrels, floating promises, missing cases and any", () => {
    const cases: readonly (readonly [code: string, text: string])[] = [
      ["import(no-cycle)", 'import { b } from "./b.ts";\nexport const a = (): number => b();'],
      ["oxc(no-barrel-file)", 'export * from "./b.ts";'],
      ["typescript(no-floating-promises)", "export function a(): void {\n  Promise.resolve(1);\n}"],
      [
        "typescript(switch-exhaustiveness-check)",
        'export function a(x: "p" | "q"): number {\n  switch (x) {\n    case "p":\n      return 1;\n  }\n  return 2;\n}',
      ],
      ["typescript(no-explicit-any)", "export const a = (x: any): boolean => x === 1;"],
      ["import(no-default-export)", "export default 1;"],
    ];
    const files = new Map(cases.map(([, text], index) => [`src/domain/a${index}.ts`, text]));
    files.set("src/domain/b.ts", 'import { a } from "./a0.ts";\nexport const b = (): number => a();');
    const found = lint(files);
    for (const [index, [code]] of cases.entries()) expect(found(`src/domain/a${index}.ts`)).toContain(code);
  });
});

describe("the tree", () => {
  const sources = globSync("{src,workers}/**/*.{ts,tsx}", { cwd: REPOSITORY }).filter(
    (path) => !/\.(test|fixture)\.tsx?$/.test(path),
  );

  it("has no bucket files, no barrels and no finding suppressed without its reason", () => {
    expect(sources.length).toBeGreaterThan(20);
    for (const path of sources) {
      expect(basename(path), path).not.toMatch(/^(utils?|helpers?|types|common|misc)\.tsx?$/);
      if (basename(path) === "index.ts") expect(path).toMatch(/^workers\/(proxy|audit|admin)\/index\.ts$/);
      const text = readFileSync(join(REPOSITORY, path), "utf8");
      const escapes = /@ts-(?:ignore|nocheck)|as unknown as |(?:ox|es)lint-disable(?!.* -- )/.exec(text)?.[0] ?? null;
      expect(escapes, path).toBeNull();
    }
  });

  it("keeps schema validation and the router for admin pages out of the proxy's bundle", async () => {
    const result = await build({
      absWorkingDir: REPOSITORY,
      entryPoints: ["workers/proxy/index.ts"],
      bundle: true,
      write: false,
      metafile: true,
      format: "esm",
      platform: "neutral",
      mainFields: ["module", "main"],
      conditions: ["workerd", "worker", "browser", "import"],
      external: ["cloudflare:*", "node:*"],
      logLevel: "silent",
    });
    const inputs = Object.keys(result.metafile.inputs);
    for (const forbidden of [
      "node_modules/zod/",
      "node_modules/openai/",
      "node_modules/stripe/",
      "workers/admin/",
      "workers/audit/",
    ]) {
      expect(inputs.filter((path) => path.startsWith(forbidden))).toEqual([]);
    }
  });
});
