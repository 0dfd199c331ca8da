/** Customers: end customers behind shared credentials, named per request by their reference. */
import * as z from "zod";
import { Customer, CustomerCreate, CustomerPatch, CustomerReference } from "../../../src/contract/customer.ts";
import { CustomerId, wireTime } from "../../../src/contract/fields.ts";
import { fromCustomerLimits, toCustomerLimits } from "../../../src/contract/limits.ts";
import { PAGE_QUERY, pageOf } from "../../../src/contract/page.ts";
import { notFound } from "../../../src/contract/problem.ts";
import type { AdminProblem } from "../../../src/contract/problem.ts";
import { err, ok } from "../../../src/domain/result.ts";
import { isFailedGuard, isUniqueViolation, onlyChanged, runBatch } from "../../../src/store/control-db.ts";
import type { Statement } from "../../../src/store/control-db.ts";
import {
  deleteCustomer,
  findCustomer,
  guardCustomer,
  guardLimitedCustomers,
  insertCustomer,
  listCustomers,
  updateCustomer,
} from "../../../src/store/customers.ts";
import type { CustomerRow } from "../../../src/store/customers.ts";
import { raiseVersions } from "../../../src/store/gate-pending.ts";
import { reply } from "../answer.ts";
import { acknowledgeStored, changedMeanwhile, freshId, recordChange } from "../changes.ts";
import { pageBody, pageRequest } from "../pages.ts";
import { EDITORS, READERS, defineRoute } from "../route.ts";
import type { Outcome, Route, RouteContext } from "../route.ts";

const PATH = "/api/v1/customers";
const ALIAS = "/admin/customers";
const TAG = "Customers";
const ONE = z.strictObject({ customer_id: CustomerId });

const createCustomer = defineRoute({
  method: "POST",
  path: PATH,
  aliases: [ALIAS],
  operationId: "createCustomer",
  tag: TAG,
  summary: "Register an end customer",
  roles: EDITORS,
  body: CustomerCreate,
  responses: { 201: Customer },
  async handler(context, { body }): Promise<Outcome> {
    const reference = body.reference ?? body.name;
    if (reference === undefined) throw new Error("The schema lets no customer without a reference through");
    const row: CustomerRow = {
      id: freshId(context, "cust"),
      organisationId: context.organisationId,
      reference,
      name: body.name ?? reference,
      labels: body.labels ?? {},
      limits: toCustomerLimits(body.limits ?? null),
      createdBy: context.caller.id,
      createdAtMs: context.nowMs,
      updatedAtMs: context.nowMs,
    };
    const view = customerView(row);
    try {
      await runBatch(context.db, [
        ...limitStatements(context, null, row.limits),
        insertCustomer(context.db, row),
        recordChange(context, { targetType: "customer", targetId: row.id, before: null, after: view }),
      ]);
    } catch (cause) {
      if (isFailedGuard(cause)) return err(TOO_MANY_LIMITED);
      if (!isUniqueViolation(cause)) throw cause;
      const message = "Names a customer that exists already";
      return err({
        code: "conflict",
        detail: `reference: ${message}`,
        errors: [{ field: "reference", message }],
      });
    }
    const told = row.limits === null ? ok(undefined) : await acknowledgeStored(context, "organisation");
    return told.ok ? reply(201, view) : told;
  },
});

const listAllCustomers = defineRoute({
  method: "GET",
  path: PATH,
  aliases: [ALIAS],
  operationId: "listCustomers",
  tag: TAG,
  summary: "List end customers, newest first",
  roles: READERS,
  query: z.strictObject({ ...PAGE_QUERY, reference: CustomerReference.optional() }),
  responses: { 200: pageOf(Customer) },
  async handler(context, { query }): Promise<Outcome> {
    const rows = await listCustomers(context.db, context.organisationId, query.reference, pageRequest(query));
    return reply(
      200,
      pageBody(rows, query.limit, (row) => row.createdAtMs, customerView),
    );
  },
});

const getCustomer = defineRoute({
  method: "GET",
  path: `${PATH}/:customer_id`,
  aliases: [`${ALIAS}/:customer_id`],
  operationId: "getCustomer",
  tag: TAG,
  summary: "Read one end customer",
  roles: READERS,
  params: ONE,
  responses: { 200: Customer },
  async handler(context, { params }): Promise<Outcome> {
    const row = await findCustomer(context.db, context.organisationId, params.customer_id);
    return row === null ? err(notFound("customer")) : reply(200, customerView(row));
  },
});

const changeCustomer = defineRoute({
  method: "PATCH",
  path: `${PATH}/:customer_id`,
  aliases: [`${ALIAS}/:customer_id`],
  operationId: "changeCustomer",
  tag: TAG,
  summary: "Change an end customer",
  roles: EDITORS,
  params: ONE,
  body: CustomerPatch,
  responses: { 200: Customer },
  async handler(context, { params, body }): Promise<Outcome> {
    const row = await findCustomer(context.db, context.organisationId, params.customer_id);
    if (row === null) return err(notFound("customer"));
    const change = {
      name: body.name ?? row.name,
      labels: body.labels ?? row.labels,
      limits: body.limits === undefined ? row.limits : toCustomerLimits(body.limits),
      updatedAtMs: context.nowMs,
    };
    const view = customerView({ ...row, ...change });
    try {
      await runBatch(context.db, [
        guardCustomer(context.db, row),
        ...limitStatements(context, row.limits, change.limits),
        updateCustomer(context.db, context.organisationId, row.id, onlyChanged(row, change)),
        recordChange(context, { targetType: "customer", targetId: row.id, before: customerView(row), after: view }),
      ]);
    } catch (cause) {
      return refusedWrite(context, row, cause);
    }
    // Also gates that an earlier request could not tell: repeating it acknowledges the change.
    const told = body.limits === undefined ? ok(undefined) : await acknowledgeStored(context, "organisation");
    return told.ok ? reply(200, view) : told;
  },
});

const removeCustomer = defineRoute({
  method: "DELETE",
  path: `${PATH}/:customer_id`,
  aliases: [`${ALIAS}/:customer_id`],
  operationId: "deleteCustomer",
  tag: TAG,
  summary: "Remove an end customer from the register",
  roles: EDITORS,
  params: ONE,
  responses: { 204: null },
  async handler(context, { params }): Promise<Outcome> {
    const row = await findCustomer(context.db, context.organisationId, params.customer_id);
    if (row === null) return err(notFound("customer"));
    try {
      await runBatch(context.db, [
        guardCustomer(context.db, row),
        ...limitStatements(context, row.limits, null),
        deleteCustomer(context.db, context.organisationId, row.id),
        recordChange(context, { targetType: "customer", targetId: row.id, before: customerView(row), after: null }),
      ]);
    } catch (cause) {
      return refusedWrite(context, row, cause);
    }
    const told = row.limits === null ? ok(undefined) : await acknowledgeStored(context, "organisation");
    return told.ok ? reply(204) : told;
  },
});

export const CUSTOMER_ROUTES: readonly Route[] = [
  createCustomer,
  listAllCustomers,
  getCustomer,
  changeCustomer,
  removeCustomer,
];

const TOO_MANY_LIMITED: AdminProblem = {
  code: "conflict",
  detail: "As many customers as there may be have limits of their own; limits for each customer stand on connections",
  errors: [{ field: "limits", message: "Too many customers have limits of their own" }],
};

/** Which of the two guards it was: another request changed what was read, or there are too many. */
async function refusedWrite(context: RouteContext, read: CustomerRow, cause: unknown): Promise<Outcome> {
  if (!isFailedGuard(cause)) throw cause;
  const row = await findCustomer(context.db, context.organisationId, read.id);
  const same = row !== null && JSON.stringify(row.limits) === JSON.stringify(read.limits);
  return same ? err(TOO_MANY_LIMITED) : changedMeanwhile(cause, "customer");
}

/** Limits of a customer are in every credential's document, since any of them may name it. */
function limitStatements(
  context: RouteContext,
  before: CustomerRow["limits"],
  after: CustomerRow["limits"],
): Statement[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  const { db, organisationId, nowMs } = context;
  return [
    ...(before === null ? [guardLimitedCustomers(db, organisationId)] : []),
    raiseVersions(db, organisationId, "organisation", nowMs),
  ];
}

function customerView(row: CustomerRow): Customer {
  return {
    id: row.id,
    reference: row.reference,
    name: row.name,
    labels: row.labels,
    limits: fromCustomerLimits(row.limits),
    created_by: row.createdBy,
    created_at: wireTime(row.createdAtMs),
    updated_at: wireTime(row.updatedAtMs),
  };
}
