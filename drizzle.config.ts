/**
 * Schema to migrations, one database at a time: `RELAYKEY_DB=control npx drizzle-kit generate` (or `audit`).
 * The generated SQL is read by a person before it is committed: a table rebuild (`__new_…`) is dangerous on D1.
 */
import { defineConfig } from "drizzle-kit";

const database = process.env["RELAYKEY_DB"];
if (database !== "control" && database !== "audit") {
  throw new Error("Set RELAYKEY_DB to control or audit");
}

export default defineConfig({
  dialect: "sqlite",
  schema: `./src/store/${database}-schema.ts`,
  out: `./migrations/${database}`,
});
