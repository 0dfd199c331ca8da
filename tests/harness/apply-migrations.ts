/** Runs once per test file inside workerd: brings the file's own, empty databases to the newest schema. */
import { applyD1Migrations, type D1Migration } from "cloudflare:test";
import { env } from "cloudflare:workers";

interface MigrationBindings {
  readonly CONTROL_DB?: D1Database;
  readonly AUDIT_DB?: D1Database;
  readonly TEST_CONTROL_MIGRATIONS: D1Migration[];
  readonly TEST_AUDIT_MIGRATIONS: D1Migration[];
}

const bindings = env as MigrationBindings;
if (bindings.CONTROL_DB) await applyD1Migrations(bindings.CONTROL_DB, bindings.TEST_CONTROL_MIGRATIONS);
if (bindings.AUDIT_DB) await applyD1Migrations(bindings.AUDIT_DB, bindings.TEST_AUDIT_MIGRATIONS);
