/** The safety review of one grant of a credential that is there already. */
import { MAX_ACKNOWLEDGED_FINDINGS } from "../../src/contract/policy.ts";
import { fieldProblem } from "../../src/contract/problem.ts";
import type { AdminProblem } from "../../src/contract/problem.ts";
import { err, ok } from "../../src/domain/result.ts";
import type { Result } from "../../src/domain/result.ts";
import type { Statement } from "../../src/store/control-db.ts";
import { updateCredential } from "../../src/store/credentials.ts";
import type { CredentialRow, GrantWithPolicy } from "../../src/store/credentials.ts";
import { recordChange } from "./changes.ts";
import { credentialView } from "./credential-view.ts";
import type { GrantDraft } from "./grant-draft.ts";
import { passChange } from "./review.ts";
import type { RouteContext } from "./route.ts";

/**
 * `grants`: all that the credential will have; `draft`: the one that is looked at.
 * @returns what belongs into the batch of the change: findings that were acknowledged for the grant are kept, and recorded, with its credential
 */
export function reviewBinding(
  context: RouteContext,
  credential: CredentialRow,
  grants: readonly GrantWithPolicy[],
  draft: GrantDraft,
  findings: readonly string[] = [],
): Result<readonly Statement[], AdminProblem> {
  const acknowledged = [...new Set([...credential.acknowledged, ...findings])];
  if (acknowledged.length > MAX_ACKNOWLEDGED_FINDINGS) {
    const message = `Would make more than ${MAX_ACKNOWLEDGED_FINDINGS} with those of the credential`;
    return err(fieldProblem("acknowledge_findings", message));
  }
  const after = { ...credential, acknowledged, updatedAtMs: context.nowMs };
  const passed = passChange(context, after, grants, [draft]);
  if (!passed.ok) return passed;
  if (acknowledged.length === credential.acknowledged.length) return ok([]);
  const { db, organisationId, nowMs } = context;
  return ok([
    updateCredential(db, organisationId, credential.id, { acknowledged, updatedAtMs: nowMs }),
    recordChange(context, {
      targetType: "delegated_credential",
      targetId: credential.id,
      before: credentialView(credential, grants, nowMs),
      after: credentialView(after, grants, nowMs),
    }),
  ]);
}
