/** Where the person is: path and query of the URL as signals. No secret ever stands in either. */
import { computed, signal } from "@preact/signals";

const url = signal(new URL(window.location.href));
export const path = computed(() => url.value.pathname.replace(/(.)\/$/, "$1"));
export const query = computed(() => url.value.searchParams);

window.addEventListener("popstate", () => (url.value = new URL(window.location.href)));

/** `replace` leaves no entry in the history: for filters that change with every key. */
export function navigate(to: string, options: { readonly replace?: boolean } = {}): void {
  const next = new URL(to, window.location.origin);
  if (next.origin !== window.location.origin) return;
  const moved = next.pathname !== url.value.pathname;
  if (options.replace === true) window.history.replaceState(null, "", next);
  else window.history.pushState(null, "", next);
  url.value = next;
  if (!moved) return;
  window.scrollTo(0, 0);
  // Screen readers and keyboards go on where the new page begins.
  requestAnimationFrame(() => document.getElementById("main")?.focus({ preventScroll: true }));
}

/** The query with some names set or, given null, taken away. */
export function setQuery(changes: Readonly<Record<string, string | null>>): void {
  const next = new URL(url.value);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") next.searchParams.delete(name);
    else next.searchParams.set(name, value);
  }
  navigate(next.pathname + next.search, { replace: true });
}

/** Parameters of a path such as `/connections/:id`, or null. */
export function match(pattern: string, actual: string): Readonly<Record<string, string>> | null {
  const wanted = pattern.split("/");
  const given = actual.split("/");
  if (wanted.length !== given.length) return null;
  const params: Record<string, string> = {};
  for (const [i, part] of wanted.entries()) {
    const value = given[i] ?? "";
    if (part.startsWith(":")) params[part.slice(1)] = value;
    else if (part !== value) return null;
  }
  return params;
}
