/**
 * The catalogue: every vendor by its id. Data and look-ups. The proxy never imports it: what a connection needs is copied
 * into the connection when it is created (`choices.ts`).
 */
import type { Vendor } from "./vendor.ts";
import { absorbLms } from "./vendors/absorb-lms.ts";
import { airtable } from "./vendors/airtable.ts";
import { anthropic } from "./vendors/anthropic.ts";
import { any } from "./vendors/any.ts";
import { cloudflare } from "./vendors/cloudflare.ts";
import { elevenlabs } from "./vendors/elevenlabs.ts";
import { flyIo } from "./vendors/fly-io.ts";
import { github } from "./vendors/github.ts";
import { greenhouse } from "./vendors/greenhouse.ts";
import { hibob } from "./vendors/hibob.ts";
import { hubspot } from "./vendors/hubspot.ts";
import { linear } from "./vendors/linear.ts";
import { medflyt } from "./vendors/medflyt.ts";
import { notion } from "./vendors/notion.ts";
import { openai } from "./vendors/openai.ts";
import { purelyhr } from "./vendors/purelyhr.ts";
import { ramp } from "./vendors/ramp.ts";
import { resend } from "./vendors/resend.ts";
import { salesforce } from "./vendors/salesforce.ts";
import { sendgrid } from "./vendors/sendgrid.ts";
import { shopify } from "./vendors/shopify.ts";
import { slack } from "./vendors/slack.ts";
import { stripe } from "./vendors/stripe.ts";
import { sumsub } from "./vendors/sumsub.ts";
import { survicate } from "./vendors/survicate.ts";
import { talkdesk } from "./vendors/talkdesk.ts";
import { twilio } from "./vendors/twilio.ts";

const VENDORS: readonly Vendor[] = [
  absorbLms,
  airtable,
  anthropic,
  cloudflare,
  elevenlabs,
  flyIo,
  github,
  greenhouse,
  hibob,
  hubspot,
  linear,
  medflyt,
  notion,
  openai,
  purelyhr,
  ramp,
  resend,
  salesforce,
  sendgrid,
  shopify,
  slack,
  stripe,
  sumsub,
  survicate,
  talkdesk,
  twilio,
  any,
];
const BY_ID: ReadonlyMap<string, Vendor> = new Map(VENDORS.map((vendor) => [vendor.id, vendor]));

/** All entries by name, "any REST API" last. */
export function listVendors(): readonly Vendor[] {
  return VENDORS;
}

export function vendorById(id: string): Vendor | null {
  return BY_ID.get(id) ?? null;
}
