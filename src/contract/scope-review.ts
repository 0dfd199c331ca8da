/** Safety reviews, dry runs of policies and suggested scopes on the wire. */
import * as z from "zod";
import { Review } from "./credential.ts";
import { ConnectionId, Environment, Labels, Name, PolicyId, RecipientId, Time, TimeInput } from "./fields.ts";
import { CustomerRuleWire, LimitsWire, TrustWire } from "./limits.ts";
import { checkGrantForms, FindingIds, GrantInput } from "./policy.ts";
import { PaymentWire } from "./price.ts";
import { checkScopeForms, RuleWire, SCOPE_MEMBERS, SCOPE_MEMBER_NAMES } from "./scope.ts";

const MAX_TTL_SECONDS = 10 * 366 * 86_400;
const MAX_GRANTS = 32;
export const MAX_REPLAY_DAYS = 90;
const DEFAULT_REPLAY_DAYS = 7;

/**
 * What would be issued, without being issued: one grant in the short form, or several. Takes the body of an issue as it
 * stands; what says nothing about the reach (name, recipient, labels …) is read and has no effect.
 */
export const ScopeReviewRequest = z
  .strictObject({
    name: Name.optional(),
    recipient_id: RecipientId.nullable().optional(),
    labels: Labels.optional(),
    prompt_with_token: z.boolean().optional(),
    customers: CustomerRuleWire.optional(),
    price: PaymentWire.optional(),
    /** Findings that are not to count as blocking. */
    acknowledge_findings: FindingIds.optional(),
    expires_at: TimeInput.optional(),
    kind: z.enum(["delegated", "virtual"]).default("delegated"),
    ttl_seconds: z.int().min(1).max(MAX_TTL_SECONDS).nullable().optional(),
    limits: LimitsWire.optional(),
    trust: TrustWire.optional(),
    environment: Environment.nullable().optional(),
    grants: z.array(GrantInput).min(1).max(MAX_GRANTS).optional(),
    connection_id: ConnectionId.optional(),
    policy_id: PolicyId.nullable().optional(),
    ...SCOPE_MEMBERS,
  })
  .superRefine((wire, context) => {
    const issue = (field: string, message: string): void => {
      context.addIssue({ code: "custom", path: [field], message });
    };
    if (wire.grants === undefined) {
      if (wire.connection_id === undefined) issue("connection_id", "Is required without grants");
      checkGrantForms(wire, context);
      return;
    }
    const members: Readonly<Record<string, unknown>> = wire;
    for (const name of ["connection_id", "policy_id", ...SCOPE_MEMBER_NAMES]) {
      if (members[name] !== undefined) issue(name, "Belongs into grants here");
    }
  })
  .meta({ id: "ScopeReviewRequest" });
export type ScopeReviewRequest = z.output<typeof ScopeReviewRequest>;

export const ScopeReview = z
  .strictObject({
    ...Review.shape,
    /** Findings that would stop the caller. */
    blocking: z.array(z.string()),
  })
  .meta({ id: "ScopeReview" });

const Days = z.int().min(1).max(MAX_REPLAY_DAYS).default(DEFAULT_REPLAY_DAYS);

/** The policy's changed members, as `PATCH` takes them; what is not stated stays as it is. */
export const ReplayRequest = z
  .strictObject({ ...SCOPE_MEMBERS, days: Days })
  .superRefine((wire, context) => {
    checkScopeForms(wire, context);
    const members: Readonly<Record<string, unknown>> = wire;
    const stated = SCOPE_MEMBER_NAMES.some((name) => members[name] !== undefined);
    if (!stated) context.addIssue({ code: "custom", path: ["rules"], message: "Is required" });
  })
  .meta({ id: "ReplayRequest" });

const Sample = z.strictObject({ event_id: z.string(), at: Time, method: z.string(), path: z.string() });

export const Replay = z
  .strictObject({
    from: Time,
    calls: z.int(),
    would_block: z.int(),
    would_allow: z.int(),
    /** Calls of which the record does not tell: their query or body would have been judged by rules that change. */
    undecided: z.int(),
    /** Members of the changed rules that judge what is not on record. */
    not_judged: z.array(z.string()),
    summary: z.string(),
    blocked: z.array(Sample),
    allowed: z.array(Sample),
    /** Grants that state what changes themselves, so that the policy does not reach them. */
    unaffected_grants: z.int(),
    /** False: there were more calls than are looked at. */
    complete: z.boolean(),
  })
  .meta({
    id: "Replay",
    description:
      "Judged by method, path and the size of the body. What is only in the query or the body is not on record: calls that a changed rule on them would have judged are counted as `undecided`. `would_allow` are calls that the rules would let through; a limit may still have stopped them.",
  });

export const SuggestRequest = z.strictObject({ days: Days }).meta({ id: "SuggestRequest" });

export const Suggestion = z
  .strictObject({
    from: Time,
    calls: z.int(),
    connections: z.array(z.strictObject({ connection_id: z.string(), calls: z.int(), rules: z.array(RuleWire) })),
    complete: z.boolean(),
  })
  .meta({ id: "Suggestion", description: "The least scope that covers what was really used" });
