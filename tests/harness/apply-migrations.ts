/** Runs once per test file inside workerd: brings the file's own, empty databases to the newest schema. */
import { applyD1Migrations, type D1Migration } from "cloudflare:test";
import { env } from "cloudflare:workers";

/** Bindings of the test's own making, which no Worker's environment type names. */
function bound<T>(name: string): T | undefined {
  return Reflect.get(env, name);
}

const control = bound<D1Database>("CONTROL_DB");
const audit = bound<D1Database>("AUDIT_DB");
if (control) await applyD1Migrations(control, bound<D1Migration[]>("TEST_CONTROL_MIGRATIONS") ?? []);
if (audit) await applyD1Migrations(audit, bound<D1Migration[]>("TEST_AUDIT_MIGRATIONS") ?? []);
