/**
 * Suspending an organisation: none of its credentials is admitted, and none of its keys and members may do anything, until
 * it is resumed. Nothing is deleted or revoked. Only the operator may do it, and not to the organisation they act from.
 */
import * as z from "zod";
import { Organisation, OrganisationId } from "../../../src/contract/organisation.ts";
import { notFound } from "../../../src/contract/problem.ts";
import { DEFAULT_ORGANISATION_ID } from "../../../src/domain/ids.ts";
import { err } from "../../../src/domain/result.ts";
import { runBatch } from "../../../src/store/control-db.ts";
import { raiseVersions } from "../../../src/store/gate-pending.ts";
import { updateOrganisation } from "../../../src/store/organisation-changes.ts";
import { findOrganisation, type OrganisationRow } from "../../../src/store/organisations.ts";
import { reply } from "../answer.ts";
import { acknowledgeStored, recordChange } from "../changes.ts";
import { defineRoute, OWNER, type Outcome, type Route } from "../route.ts";
import { checkOperator, organisationView, ORGANISATIONS_PATH } from "./organisations.ts";

const ONE = z.strictObject({ organisation_id: OrganisationId });

function switchOrganisation(verb: "suspend" | "resume", status: OrganisationRow["status"], summary: string): Route {
  return defineRoute({
    method: "POST",
    path: `${ORGANISATIONS_PATH}/:organisation_id/${verb}`,
    operationId: `${verb}Organisation`,
    tag: "Organisations",
    summary,
    description: "For the operator only. Answers 200 only once it holds everywhere. Safe to repeat.",
    roles: OWNER,
    params: ONE,
    responses: { 200: Organisation },
    async handler(context, { params }): Promise<Outcome> {
      const operator = checkOperator(context);
      const row = await findOrganisation(context.db, params.organisation_id);
      if (row === null || (!operator.ok && row.id !== context.organisationId)) return err(notFound("organisation"));
      if (!operator.ok) return operator;
      if (row.id === DEFAULT_ORGANISATION_ID) {
        return err({ code: "conflict", detail: "The deployment's own organisation cannot be suspended" });
      }
      const after = { ...row, status };
      const affected = { ...context, organisationId: row.id };
      if (row.status !== status) {
        const change = {
          targetType: "organisation",
          targetId: row.id,
          before: organisationView(row),
          after: organisationView(after),
        };
        await runBatch(context.db, [
          updateOrganisation(context.db, row.id, { status }),
          raiseVersions(context.db, row.id, "organisation", context.nowMs),
          recordChange(context, change),
          // Its own people should find it on their record as well.
          recordChange(affected, change),
        ]);
      }
      // Also those of an earlier request that could not be told.
      const told = await acknowledgeStored(affected, "organisation");
      return told.ok ? reply(200, organisationView(after)) : told;
    },
  });
}

export const ORGANISATION_STATUS_ROUTES: readonly Route[] = [
  switchOrganisation("suspend", "suspended", "Suspend an organisation: nothing of it works until it is resumed"),
  switchOrganisation("resume", "active", "Resume a suspended organisation"),
];
