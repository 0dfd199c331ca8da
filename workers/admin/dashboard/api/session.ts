/** Who is signed in, and what that role may do. The API decides; this only spares people buttons that would be refused. */
import { computed, signal } from "@preact/signals";
import type * as z from "zod";
import type { Session } from "../../../../src/contract/member.ts";
import { call, get, holdKey, post, remove } from "./client.ts";
import type { Failure } from "./client.ts";

export type SessionView = z.infer<typeof Session>;
export type Role = SessionView["role"];

export const session = signal<SessionView | null>(null);
/** Null until the first answer is there. */
export const sessionState = signal<"unknown" | "in" | "out" | "unreachable">("unknown");

export const canEdit = computed(() => session.value?.role === "owner" || session.value?.role === "admin");
export const canRead = computed(() => session.value !== null && session.value.role !== "provisioner");
export const canIssue = computed(() => canEdit.value || session.value?.role === "provisioner");
export const isOwner = computed(() => session.value?.role === "owner");

export async function loadSession(): Promise<Failure | null> {
  const answer = await get<SessionView>("/session");
  if (answer.ok) {
    session.value = answer.value;
    sessionState.value = "in";
    return null;
  }
  session.value = null;
  sessionState.value = answer.error.kind === "signed_out" ? "out" : "unreachable";
  return answer.error;
}

/** The key goes into one request; what stays is an HttpOnly cookie, or, where that is not offered, this page's memory. */
export async function signInWithKey(key: string): Promise<Failure | null> {
  holdKey(key);
  const opened = await post("/session");
  if (opened.ok) holdKey(null);
  else if (opened.error.kind !== "missing") {
    holdKey(null);
    return opened.error;
  }
  const failure = await loadSession();
  if (failure !== null) holdKey(null);
  return failure;
}

export async function signOut(): Promise<void> {
  await remove("/session");
  holdKey(null);
  session.value = null;
  sessionState.value = "out";
}

export function askLoginLink(email: string) {
  return call("POST", "/api/v1/login-links", { email });
}
