/** The vendor catalogue: data that pre-fills connections. The same for everyone. */
import * as z from "zod";
import { listVendors, vendorById } from "../../../src/catalogue/catalogue.ts";
import { VendorId } from "../../../src/contract/connection.ts";
import { pageOf } from "../../../src/contract/page.ts";
import { notFound } from "../../../src/contract/problem.ts";
import { VendorView, vendorView } from "../../../src/contract/vendor.ts";
import { err } from "../../../src/domain/result.ts";
import { reply } from "../answer.ts";
import { ISSUERS_AND_READERS, defineRoute } from "../route.ts";
import type { Route } from "../route.ts";

const PATH = "/api/v1/vendors";
const TAG = "Vendors";

const list = defineRoute({
  method: "GET",
  path: PATH,
  operationId: "listVendors",
  tag: TAG,
  summary: "List the catalogue's vendors; the list is one page",
  roles: ISSUERS_AND_READERS,
  query: z.strictObject({ category: z.string().max(64).optional(), q: z.string().max(64).optional() }),
  responses: { 200: pageOf(VendorView) },
  handler(_context, { query }) {
    const wanted = query.q?.toLowerCase();
    const found = listVendors().filter(
      (vendor) =>
        (query.category === undefined || vendor.category === query.category) &&
        (wanted === undefined || `${vendor.id} ${vendor.name}`.toLowerCase().includes(wanted)),
    );
    return Promise.resolve(reply(200, { data: found.map(vendorView), next_cursor: null }));
  },
});

const getOne = defineRoute({
  method: "GET",
  path: `${PATH}/:vendor_id`,
  operationId: "getVendor",
  tag: TAG,
  summary: "Read one vendor's entry",
  roles: ISSUERS_AND_READERS,
  params: z.strictObject({ vendor_id: VendorId }),
  responses: { 200: VendorView },
  handler(_context, { params }) {
    const vendor = vendorById(params.vendor_id);
    return Promise.resolve(vendor === null ? err(notFound("vendor")) : reply(200, vendorView(vendor)));
  },
});

export const VENDOR_ROUTES: readonly Route[] = [list, getOne];
