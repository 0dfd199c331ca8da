/**
 * The governance API's names for two members: below `/admin/`, requests may say `partner_id` for `connection_id` and
 * `virtual_key_id` for `credential_id`. Answers always carry the names of `/api/v1`.
 *
 * Never overwrites: where both names stand, the governance one stays as it is and is refused as unknown.
 */
const MEMBERS: ReadonlyMap<string, string> = new Map([
  ["partner_id", "connection_id"],
  ["virtual_key_id", "credential_id"],
]);

export function isGovernancePath(pathname: string): boolean {
  return pathname.startsWith("/admin/");
}

/** A parsed body with its own members, and those of each of its `grants`, under the names of `/api/v1`. */
export function apiNames(body: unknown): unknown {
  if (!isRecord(body)) return body;
  const renamed = renamedMembers(body);
  const { grants } = renamed;
  if (!Array.isArray(grants)) return renamed;
  return { ...renamed, grants: grants.map((grant: unknown) => (isRecord(grant) ? renamedMembers(grant) : grant)) };
}

/** The same for a query. */
export function apiQuery(search: URLSearchParams): URLSearchParams {
  const renamed = new URLSearchParams();
  for (const [name, value] of search)
    renamed.append(
      apiName(name, (other) => search.has(other)),
      value,
    );
  return renamed;
}

function renamedMembers(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const entries = Object.entries(record).map(
    ([name, value]) => [apiName(name, (other) => Object.hasOwn(record, other)), value] as const,
  );
  return Object.fromEntries(entries);
}

function apiName(name: string, isTaken: (name: string) => boolean): string {
  const other = MEMBERS.get(name);
  return other === undefined || isTaken(other) ? name : other;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
