/**
 * Brings a local D1 database to the newest schema, with the same bookkeeping table as `wrangler d1 migrations apply`, so that either may
 * continue the other's work. Each migration is one atomic batch: it is applied whole, with its record, or not at all.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Miniflare } from "miniflare";
import { REPOSITORY } from "./build.ts";
import { StartupError } from "./startup-error.ts";

type LocalDatabase = Awaited<ReturnType<Miniflare["getD1Database"]>>;

const JOURNAL = `CREATE TABLE IF NOT EXISTS d1_migrations(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)`;

/** Returns how many migrations were applied. Statements are separated by drizzle's `--> statement-breakpoint`. */
export async function migrate(database: LocalDatabase, folder: "control" | "audit"): Promise<number> {
  const directory = join(REPOSITORY, "migrations", folder);
  const names = migrationNames(directory);
  await database.prepare(JOURNAL).run();
  const rows = await database.prepare("SELECT name FROM d1_migrations").all<{ name: string }>();
  const done = new Set(rows.results.map((row) => row.name));
  for (const name of done) {
    if (!names.includes(name)) {
      throw new StartupError(
        `The local ${folder} database has migration ${name}, which this version does not know: check out the newer version, or remove the state directory`,
      );
    }
  }
  const missing = names.filter((name) => !done.has(name));
  for (const name of missing) {
    const statements = readFileSync(join(directory, name), "utf8").split("--> statement-breakpoint");
    await database.batch([
      ...statements.filter((sql) => sql.trim() !== "").map((sql) => database.prepare(sql)),
      database.prepare("INSERT INTO d1_migrations (name) VALUES (?)").bind(name),
    ]);
  }
  return missing.length;
}

function migrationNames(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith(".sql"))
    .toSorted();
}
