/** Instructions to paste for an agent, written from what a credential reaches now. They never hold the token. */
import * as z from "zod";
import { vendorById } from "../../../src/catalogue/catalogue.ts";
import { CredentialId } from "../../../src/contract/fields.ts";
import { notFound } from "../../../src/contract/problem.ts";
import { agentPrompt, PROMPT_VARIANTS } from "../../../src/domain/prompts.ts";
import { err } from "../../../src/domain/result.ts";
import { findConnections } from "../../../src/store/connections.ts";
import { findCredential, grantsOf } from "../../../src/store/credentials.ts";
import { findRecipient } from "../../../src/store/recipients.ts";
import { reply } from "../answer.ts";
import { promptInput } from "../prompt-input.ts";
import { defineRoute, ISSUERS_AND_READERS, type Outcome, type Route } from "../route.ts";

const Variant = z.enum(PROMPT_VARIANTS);

const getPrompt = defineRoute({
  method: "GET",
  path: "/api/v1/delegated-credentials/:credential_id/prompt",
  operationId: "getPrompt",
  tag: "Delegated credentials",
  summary: "Write instructions for an agent, a shell or an SDK",
  description: "The token is not in it: the environment variable RELAYKEY_TOKEN is named instead.",
  roles: ISSUERS_AND_READERS,
  params: z.strictObject({ credential_id: CredentialId }),
  query: z.strictObject({ variant: Variant.default("generic") }),
  responses: { 200: z.strictObject({ variant: Variant, prompt: z.string() }).meta({ id: "Prompt" }) },
  async handler(context, { params, query }): Promise<Outcome> {
    const { db, organisationId, caller } = context;
    const row = await findCredential(db, organisationId, params.credential_id);
    // A provisioner sees only what it minted.
    if (row === null || (caller.role === "provisioner" && row.createdBy !== caller.id))
      return err(notFound("credential"));
    const grants = await grantsOf(db, organisationId, [row.id]);
    const connectionIds = grants.map((each) => each.grant.connectionId);
    const connections = await findConnections(db, organisationId, connectionIds);
    const recipient = row.recipientId === null ? null : await findRecipient(db, organisationId, row.recipientId);
    const input = promptInput(context, row, grants, {
      recipientName: recipient?.name ?? null,
      connections,
      token: null,
    });
    const withSdk = input.grants.map((grant) => {
      const lines = grant.vendor === null ? undefined : vendorById(grant.vendor)?.sdk?.lines;
      return lines === undefined ? grant : { ...grant, sdkLines: lines };
    });
    const prompt = agentPrompt({ ...input, grants: withSdk }, query.variant);
    return reply(200, { variant: query.variant, prompt });
  },
});

export const PROMPT_ROUTES: readonly Route[] = [getPrompt];
