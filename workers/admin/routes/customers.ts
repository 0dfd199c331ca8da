/** Customers: end customers behind shared credentials, named per request by their reference. */
import * as z from "zod";
import { Customer, CustomerCreate, CustomerPatch, CustomerReference } from "../../../src/contract/customer.ts";
import { CustomerId, wireTime } from "../../../src/contract/fields.ts";
import { PAGE_QUERY, pageOf } from "../../../src/contract/page.ts";
import { notFound } from "../../../src/contract/problem.ts";
import { err } from "../../../src/domain/result.ts";
import { isUniqueViolation, runBatch } from "../../../src/store/control-db.ts";
import {
  deleteCustomer,
  findCustomer,
  insertCustomer,
  listCustomers,
  updateCustomer,
} from "../../../src/store/customers.ts";
import type { CustomerRow } from "../../../src/store/customers.ts";
import { reply } from "../answer.ts";
import { freshId, recordChange } from "../changes.ts";
import { pageBody, pageRequest } from "../pages.ts";
import { EDITORS, READERS, defineRoute } from "../route.ts";
import type { Outcome, Route } from "../route.ts";

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
    const row: CustomerRow = {
      id: freshId(context, "cust"),
      organisationId: context.organisationId,
      reference: body.reference,
      name: body.name ?? body.reference,
      labels: body.labels ?? {},
      createdBy: context.caller.id,
      createdAtMs: context.nowMs,
      updatedAtMs: context.nowMs,
    };
    const view = customerView(row);
    try {
      await runBatch(context.db, [
        insertCustomer(context.db, row),
        recordChange(context, { targetType: "customer", targetId: row.id, before: null, after: view }),
      ]);
    } catch (cause) {
      if (!isUniqueViolation(cause)) throw cause;
      const message = "Names a customer that exists already";
      return err({
        code: "conflict",
        detail: `reference: ${message}`,
        errors: [{ field: "reference", message }],
      });
    }
    return reply(201, view);
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
    const change = { name: body.name ?? row.name, labels: body.labels ?? row.labels, updatedAtMs: context.nowMs };
    const view = customerView({ ...row, ...change });
    await runBatch(context.db, [
      updateCustomer(context.db, context.organisationId, row.id, change),
      recordChange(context, { targetType: "customer", targetId: row.id, before: customerView(row), after: view }),
    ]);
    return reply(200, view);
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
    await runBatch(context.db, [
      deleteCustomer(context.db, context.organisationId, row.id),
      recordChange(context, { targetType: "customer", targetId: row.id, before: customerView(row), after: null }),
    ]);
    return reply(204);
  },
});

export const CUSTOMER_ROUTES: readonly Route[] = [
  createCustomer,
  listAllCustomers,
  getCustomer,
  changeCustomer,
  removeCustomer,
];

function customerView(row: CustomerRow): Customer {
  return {
    id: row.id,
    reference: row.reference,
    name: row.name,
    labels: row.labels,
    created_by: row.createdBy,
    created_at: wireTime(row.createdAtMs),
    updated_at: wireTime(row.updatedAtMs),
  };
}
