/**
 * What changed rules would have done to one past call, as far as its audit event tells. Pure.
 *
 * An event keeps method, path and the number of bytes that were sent; not the query, and not the body. What rules on those
 * would have said is known only where nothing about them changes, or where there was nothing to judge. Everything else is
 * `undecided`: a count that may be wrong is worse than one that is missing.
 */
import { MAX_RECORDED_PATH_CHARS } from "./gate-records.ts";
import { judgeScope } from "./scope-judge.ts";
import { EMPTY_SCOPE, type Scope } from "./scope.ts";

/** One past call, as far as a replay needs it. `count` is 1 unless events were folded. */
export interface ReplayCall {
  readonly id: string;
  readonly grantId: string;
  readonly method: string;
  readonly path: string;
  readonly decision: "allowed" | "denied";
  readonly reason: string;
  /** Null: not known. */
  readonly bytesIn: number | null;
  readonly count: number;
  readonly atMs: number;
}

/** `blocked`: was let through, would not be; `allowed`: was refused by the rules, which would let it through. */
export type ReplayOutcome = "same" | "blocked" | "allowed" | "undecided";

/** A grant's scope after the change, and those that may have been in force when its calls were made; null: not known. */
export interface ReplayScopes {
  readonly after: Scope;
  readonly before: readonly Scope[] | null;
}

/** Members of a scope that judge what is not on record. */
export const UNRECORDED_MEMBERS = [
  "denyQueryParams",
  "allowQueryParams",
  "graphql",
  "body",
  "maxBodyBytes",
  "jsonRpc",
  "models",
  "removeResponseMembers",
] as const satisfies readonly (keyof Scope)[];
export type UnrecordedMember = (typeof UNRECORDED_MEMBERS)[number];

/** Those that look at nothing but the body; rules for members and models look at the query too. */
const BODY_MEMBERS: ReadonlySet<UnrecordedMember> = new Set(["maxBodyBytes", "jsonRpc"]);
/** Methods that never have a body here: the proxy refuses one. */
const BODYLESS = new Set(["GET", "HEAD"]);
/** Which rules spoke when a call was refused, in the order in which they are asked; `null` is method and path. */
const REFUSED_BY: Readonly<Record<string, readonly UnrecordedMember[] | null>> = {
  method_denied: null,
  path_denied: null,
  query_denied: ["denyQueryParams", "allowQueryParams", "body"],
  body_denied: ["graphql", "body", "jsonRpc", "models", "removeResponseMembers"],
  body_too_large: ["maxBodyBytes"],
};
/** Reasons that stand without any rule as well: the vendor's own key parameter, the bound on every body. */
const ALSO_WITHOUT_RULES = new Set(["query_denied", "body_too_large"]);

/** Made once per grant, for all of its calls. */
export function replayJudge(scopes: ReplayScopes): (call: ReplayCall) => ReplayOutcome {
  const { after } = scopes;
  const endpoints: Scope = { ...EMPTY_SCOPE, rules: after.rules };
  const differing = differingMembers(scopes);
  return (call) => {
    const { method, path, decision } = call;
    const refusedBy = decision === "denied" ? REFUSED_BY[call.reason] : undefined;
    // Refused by no rule: it would be refused again.
    if (decision === "denied" && refusedBy === undefined) return "same";
    if (!isWhole(path)) return "undecided";
    const reached = judgeScope(endpoints, { method, path, query: "" }, []).ok;
    const tooLarge = after.maxBodyBytes !== null && (call.bytesIn ?? 0) > after.maxBodyBytes;
    if (!reached || tooLarge) return decision === "allowed" ? "blocked" : "same";
    if (decision === "allowed") {
      return differing.some((member) => mayRefuse(after, member, call)) ? "undecided" : "same";
    }
    // What refused it still stands: nothing changes for this call.
    if (refusedBy && !refusedBy.some((member) => differing.includes(member))) return "same";
    if (ALSO_WITHOUT_RULES.has(call.reason)) return "undecided";
    // Whatever is asked after the rules that refused it was never asked.
    return UNRECORDED_MEMBERS.some((member) => mayRefuse(after, member, call)) ? "undecided" : "allowed";
  };
}

/** The members of the changed scope that an answer can leave undecided: they restrict, and were not always so. */
export function unjudgedMembers(scopes: ReplayScopes): readonly UnrecordedMember[] {
  return differingMembers(scopes).filter((member) => restricts(scopes.after, member));
}

function differingMembers({ after, before }: ReplayScopes): readonly UnrecordedMember[] {
  if (before === null) return UNRECORDED_MEMBERS;
  return UNRECORDED_MEMBERS.filter((member) =>
    before.some((scope) => judgedBy(scope, member) !== judgedBy(after, member)),
  );
}

/** Hidden members say of a request only whether aliases are refused, or all GraphQL: not which members they are. */
function judgedBy(scope: Scope, member: UnrecordedMember): string {
  if (member !== "removeResponseMembers") return JSON.stringify(scope[member]);
  if (scope.removeResponseMembers.length === 0) return "";
  return scope.graphql === null ? "no GraphQL" : "no aliases";
}

function mayRefuse(scope: Scope, member: UnrecordedMember, call: ReplayCall): boolean {
  if (!restricts(scope, member)) return false;
  return !BODY_MEMBERS.has(member) || !BODYLESS.has(call.method);
}

function restricts(scope: Scope, member: UnrecordedMember): boolean {
  const value = scope[member];
  if (member === "denyQueryParams" || member === "body" || member === "removeResponseMembers") {
    return Array.isArray(value) && value.length > 0;
  }
  return value !== null;
}

/** Long paths are cut in the record, and tokens in them are taken out. */
function isWhole(path: string): boolean {
  return path.length < MAX_RECORDED_PATH_CHARS && !path.includes("[token]");
}
