/** How far recurring work has read, by the work's name. */
import { eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { workPositions } from "./audit-extra-schema.ts";

export async function readPosition(database: D1Database, name: string): Promise<string | null> {
  const [row] = await drizzle(database).select().from(workPositions).where(eq(workPositions.name, name));
  return row?.position ?? null;
}

export async function writePosition(database: D1Database, name: string, position: string): Promise<void> {
  await drizzle(database)
    .insert(workPositions)
    .values({ name, position })
    .onConflictDoUpdate({ target: workPositions.name, set: { position } });
}
