/**
 * Builds the three Workers and the dashboard with esbuild, for the local stack, the tests and the benchmark.
 * Deployments are bundled by wrangler from the same entry points. Writes to `dist/`, or the dashboard where it is told to;
 * never reads a secret.
 */
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { build } from "esbuild";

export const REPOSITORY = resolve(import.meta.dirname, "..");

const MAX_REPLACE_ATTEMPTS = 8;

export type WorkerName = "proxy" | "audit" | "admin";

export const WORKER_NAMES: readonly WorkerName[] = ["proxy", "audit", "admin"];

const DASHBOARD_ENTRY = join(REPOSITORY, "workers/admin/dashboard/main.tsx");
const DASHBOARD_DIRECTORY = join(REPOSITORY, "dist/dashboard");

/** One ES module as text, ready for workerd; its source map is inlined so that stack traces name the source. */
export async function buildWorker(name: WorkerName): Promise<string> {
  const result = await build({
    absWorkingDir: REPOSITORY,
    entryPoints: [`workers/${name}/index.ts`],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2024",
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["workerd", "worker", "browser", "import", "default"],
    external: ["cloudflare:*", "node:*"],
    sourcemap: "inline",
    sourcesContent: false,
    logLevel: "silent",
  });
  const output = result.outputFiles[0];
  if (output === undefined) throw new Error(`esbuild wrote nothing for workers/${name}`);
  return output.text;
}

/**
 * Writes the dashboard, to `dist/dashboard` unless told otherwise: index.html plus assets whose names carry a hash of their content, so that they may be cached for ever.
 * Without dashboard sources a page that says so is written. The directory is replaced in one step.
 */
export async function buildDashboard(target = DASHBOARD_DIRECTORY): Promise<void> {
  const staging = `${target}.${process.pid}`;
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging, { recursive: true });
  try {
    const assets = existsSync(DASHBOARD_ENTRY) ? await bundleDashboard(staging) : [];
    await writeFile(join(staging, "index.html"), indexHtml(assets));
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    throw error;
  }
  await replaceDirectory(staging, target);
}

/** Builds may run at the same time: whoever comes last wins, and nobody fails. */
async function replaceDirectory(staging: string, target: string): Promise<void> {
  // A stack that runs serves these files: what is the same already is left in place.
  if (await isSameBuild(staging, target)) return rm(staging, { recursive: true, force: true });
  await mkdir(dirname(target), { recursive: true });
  for (let attempt = 1; ; attempt++) {
    await rm(target, { recursive: true, force: true });
    try {
      return await rename(staging, target);
    } catch (error) {
      if (attempt === MAX_REPLACE_ATTEMPTS) throw error;
    }
  }
}

/** For the local stack: a dashboard that does not build must not keep the API from starting. Says so on stderr. */
export async function buildDashboardOrSay(target: string): Promise<void> {
  try {
    await buildDashboard(target);
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split("\n")[1] ?? error.message) : "unknown";
    console.error(`The dashboard does not build, so there is none: ${reason}`);
    await mkdir(target, { recursive: true });
    await writeFile(join(target, "index.html"), indexHtml([]));
  }
}

/** Names of assets carry their content's hash, so equal names and an equal start page are equal builds. */
async function isSameBuild(left: string, right: string): Promise<boolean> {
  const facts = await Promise.all(
    [left, right].map(async (directory) => {
      try {
        const names = existsSync(join(directory, "assets")) ? await readdir(join(directory, "assets")) : [];
        return JSON.stringify([names.toSorted(), await readFile(join(directory, "index.html"), "utf8")]);
      } catch {
        return null;
      }
    }),
  );
  return facts[0] !== null && facts[0] === facts[1];
}

async function bundleDashboard(staging: string): Promise<string[]> {
  await build({
    absWorkingDir: REPOSITORY,
    entryPoints: [DASHBOARD_ENTRY],
    bundle: true,
    outdir: join(staging, "assets"),
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    assetNames: "[name]-[hash]",
    format: "esm",
    splitting: true,
    minify: true,
    target: "es2022",
    platform: "browser",
    jsx: "automatic",
    jsxImportSource: "preact",
    loader: { ".svg": "dataurl", ".woff2": "file" },
    logLevel: "silent",
  });
  const names = await readdir(join(staging, "assets"));
  return names.filter((name) => /^main-[A-Z0-9]{8}\.(js|css)$/.test(name)).map((name) => basename(name));
}

function indexHtml(assets: readonly string[]): string {
  const styles = assets
    .filter((name) => name.endsWith(".css"))
    .map((name) => `    <link rel="stylesheet" href="/assets/${name}">`);
  const scripts = assets
    .filter((name) => name.endsWith(".js"))
    .map((name) => `    <script type="module" src="/assets/${name}"></script>`);
  const body = scripts.length === 0 ? "<p>This build has no dashboard. The API is at /api/v1.</p>" : "";
  return [
    "<!doctype html>",
    '<html lang="en">',
    "  <head>",
    '    <meta charset="utf-8">',
    '    <meta name="viewport" content="width=device-width, initial-scale=1">',
    "    <title>RelayKey</title>",
    '    <link rel="icon" href="data:,">',
    ...styles,
    ...scripts,
    "  </head>",
    `  <body><div id="app">${body}</div></body>`,
    "</html>",
    "",
  ].join("\n");
}

if (import.meta.main) {
  await buildDashboard();
  for (const name of WORKER_NAMES) {
    const script = await buildWorker(name);
    await writeFile(join(REPOSITORY, "dist", `${name}.mjs`), script);
    console.log(`dist/${name}.mjs`);
  }
}
