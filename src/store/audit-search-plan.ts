/**
 * How a search over audit events is carried out: one index gives events in the order of time, everything else that was asked
 * is held against each of them. Pure text and values; nothing here touches a database.
 *
 * The index is named in the statement: left to itself, SQLite takes whichever looks selective without having seen the data.
 * Conditions of partial indexes are repeated literally, because SQLite uses such an index only then.
 */

/** Both ends belong to it. */
export interface NumberRange {
  readonly from: number;
  readonly to: number;
}

export interface AuditFilter {
  /** Compared as they are. */
  readonly equal: Readonly<Partial<Record<EqualMember, string>>>;
  readonly ranges?: Readonly<Partial<Record<NumberMember, NumberRange>>> | undefined;
  readonly decision?: "allowed" | "denied" | undefined;
  readonly method?: string | undefined;
  /** A status, or a class of a hundred (`from` to `from + 99`). */
  readonly status?: NumberRange | undefined;
  readonly upstreamStatus?: NumberRange | undefined;
  readonly path?: PathFilter | undefined;
  /** Anywhere in the user agent. */
  readonly userAgent?: string | undefined;
  /** Anywhere in the notes, as JSON. */
  readonly notes?: string | undefined;
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  /** Only what failed: refused here, or answered with 400 and above. */
  readonly failed?: boolean | undefined;
}

export type PathFilter =
  | { readonly kind: "is" | "starts" | "contains"; readonly text: string }
  /** At most 50 bytes. */
  | { readonly kind: "glob"; readonly text: string };

/** Members of an event that are searched for by equality, and their columns. */
const COLUMNS = {
  id: "id",
  requestId: "request_id",
  credentialId: "credential_id",
  recipientId: "recipient_id",
  connectionId: "connection_id",
  customer: "customer",
  reason: "reason",
  address: "address",
  grantId: "grant_id",
  upstreamCredentialId: "upstream_credential_id",
  environment: "environment",
  operation: "operation",
  prevHash: "prev_hash",
  hash: "hash",
} as const;
export type EqualMember = keyof typeof COLUMNS;

/** Numbers of an event, and their columns. */
const NUMBERS = {
  seq: "seq",
  admission: "admission",
  attempts: "attempts",
  latencyMs: "latency_ms",
  upstreamMs: "upstream_ms",
  bytesIn: "bytes_in",
  bytesOut: "bytes_out",
  costUsdMicros: "cost_usd_micros",
  count: "count",
} as const;
export type NumberMember = keyof typeof NUMBERS;

/** Conditions joined by AND, with their values in order. */
export interface Condition {
  readonly sql: string;
  readonly values: readonly (string | number)[];
}

/** An index, and what it finds, in the order of time. */
export interface Access {
  readonly index: string;
  readonly condition: Condition;
  /** What was asked and needs not be asked again of what the index finds; null: the index only narrows. */
  readonly serves: Condition | null;
}

export interface Plan {
  /** Any of them will do; the one with the fewest events is best. In the order of preference. Never empty. */
  readonly accesses: readonly Access[];
  /** Everything that was asked but time. */
  readonly conditions: readonly Condition[];
}

const NOTHING: Condition = { sql: "", values: [] };
const BY_TIME: Access = { index: "audit_events_by_time", condition: NOTHING, serves: null };

/** What a filter asks, and which indexes can begin. */
export function planSearch(filter: AuditFilter): Plan {
  const accesses: Access[] = [];
  const conditions: Condition[] = [];
  const add = (condition: Condition, index?: string): void => {
    conditions.push(condition);
    if (index !== undefined) accesses.push({ index, condition, serves: condition });
  };
  for (const [member, column] of Object.entries(COLUMNS)) {
    const value = filter.equal[member as EqualMember];
    if (value !== undefined) {
      add({ sql: `${column} = ?${partOf(column, value)}`, values: [value] }, indexOf(column, value));
    }
  }
  for (const [member, column] of Object.entries(NUMBERS)) {
    const range = filter.ranges?.[member as NumberMember];
    if (range !== undefined) add(between(column, range));
  }
  const { status, method, path } = filter;
  if (path !== undefined) add(pathCondition(path), path.kind === "is" ? "audit_events_by_path" : undefined);
  if (status !== undefined && isOneFailure(status)) {
    add({ sql: "status = ? AND status >= 400", values: [status.from] }, "audit_events_failed");
  } else if (status !== undefined) {
    add(between("status", status));
    if (status.from >= 400) accesses.push({ ...ERRORS, serves: null });
  }
  if (filter.failed === true) {
    conditions.push(ERRORS.condition);
    accesses.push(ERRORS);
  }
  if (method !== undefined && isOdd(method)) {
    add({ sql: "method = ? AND method NOT IN ('GET', 'POST')", values: [method] }, "audit_events_odd_method");
  } else if (method !== undefined) add({ sql: "method = ?", values: [method] });
  if (filter.decision === "denied") add({ sql: "decision = 'denied'", values: [] }, "audit_events_denied");
  if (filter.decision === "allowed") add({ sql: "decision = 'allowed'", values: [] });
  if (filter.upstreamStatus !== undefined) add(between("upstream_status", filter.upstreamStatus));
  if (filter.userAgent !== undefined) add({ sql: "instr(user_agent, ?) > 0", values: [filter.userAgent] });
  if (filter.notes !== undefined) add({ sql: "instr(notes, ?) > 0", values: [filter.notes] });
  return { accesses: accesses.length === 0 ? [BY_TIME] : accesses, conditions };
}

const FAILED: Condition = { sql: "status >= 400", values: [] };
const ERRORS: Access = { index: "audit_events_errors", condition: FAILED, serves: FAILED };

function isOneFailure(status: NumberRange): boolean {
  return status.from === status.to && status.from >= 400;
}

function isOdd(method: string): boolean {
  return method !== "GET" && method !== "POST";
}

/**
 * Events whose path begins so: not in the order of time, so of use only where they are few. Paths are canonical ASCII, so
 * nothing that begins so sorts behind the text with U+FFFF.
 */
export function prefixAccess(text: string): Access {
  const condition = { sql: "path >= ? AND path < ?", values: [text, `${text}\u{ffff}`] };
  return { index: "audit_events_by_path", condition, serves: null };
}

/** From when on, and before when. */
export function timeConditions({ fromMs, toMs }: AuditFilter): Condition[] {
  return [
    ...(fromMs === undefined ? [] : [{ sql: "at_ms >= ?", values: [fromMs] }]),
    ...(toMs === undefined ? [] : [{ sql: "at_ms < ?", values: [toMs] }]),
  ];
}

export function joined(...conditions: readonly Condition[]): Condition {
  const stated = conditions.filter((condition) => condition.sql !== "");
  return {
    sql: stated.map((condition) => `(${condition.sql})`).join(" AND "),
    values: stated.flatMap((condition) => condition.values),
  };
}

const INDEX_OF: Readonly<Record<string, string>> = {
  id: "audit_events_by_id",
  request_id: "audit_events_by_request",
  credential_id: "audit_events_by_credential",
  recipient_id: "audit_events_by_recipient",
  connection_id: "audit_events_by_connection",
  customer: "audit_events_by_customer",
  reason: "audit_events_by_reason",
  address: "audit_events_by_address",
};

/** Almost every event has the reason `ok`, so those are in no index. */
function indexOf(column: string, value: string): string | undefined {
  return column === "reason" && value === "ok" ? undefined : INDEX_OF[column];
}

/** The condition of a partial index, word for word. */
function partOf(column: string, value: string): string {
  switch (column) {
    case "reason":
      return value === "ok" ? "" : " AND reason <> 'ok'";
    case "recipient_id":
      return " AND recipient_id IS NOT NULL";
    case "customer":
      return " AND customer IS NOT NULL";
    default:
      return "";
  }
}

function pathCondition(path: PathFilter): Condition {
  switch (path.kind) {
    case "is":
      return { sql: "path = ?", values: [path.text] };
    case "starts":
      return { sql: `substr(path, 1, ${path.text.length}) = ?`, values: [path.text] };
    case "contains":
      return { sql: "instr(path, ?) > 0", values: [path.text] };
    case "glob":
      return { sql: "path GLOB ?", values: [path.text] };
  }
}

function between(column: string, range: NumberRange): Condition {
  return { sql: `${column} BETWEEN ? AND ?`, values: [range.from, range.to] };
}
