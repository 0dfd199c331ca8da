/** The mailbox of a local installation: mails that a deployment would send. Keeps the newest; holds nothing in a deployment. */
import { desc, lte } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { Mail } from "../domain/mail-message.ts";
import { devMailbox } from "./audit-extra-schema.ts";

export const MAX_MAILBOX_MAILS = 200;
const KEPT_MS = 7 * 86_400_000;

export interface KeptMail extends Mail {
  readonly atMs: number;
}

/** Keeping the same mail twice changes nothing. */
export async function keepMail(database: D1Database, mail: Mail, nowMs: number): Promise<void> {
  const db = drizzle(database);
  await db.batch([
    db
      .insert(devMailbox)
      .values({ ...mail, atMs: nowMs })
      .onConflictDoNothing(),
    db.delete(devMailbox).where(lte(devMailbox.atMs, nowMs - KEPT_MS)),
  ]);
}

/** Newest first. */
export function listMails(database: D1Database): Promise<KeptMail[]> {
  return drizzle(database).select().from(devMailbox).orderBy(desc(devMailbox.atMs)).limit(MAX_MAILBOX_MAILS);
}
