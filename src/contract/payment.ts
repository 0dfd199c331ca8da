/** Prepaid credits on the wire, and what is checked of a payment rule beyond its shape. */
import * as z from "zod";
import { MAX_CREDIT_USD_MICROS, type Movement } from "../domain/credits.ts";
import { checksumAddress } from "../domain/x402-authorization.ts";
import { chainIdOf } from "../domain/x402-networks.ts";
import { Integer, readableText, Time, wireTime } from "./fields.ts";

const MAX_NOTE_CHARS = 500;

const Note = readableText(MAX_NOTE_CHARS);
const Amount = z.int().min(1).max(MAX_CREDIT_USD_MICROS);

export const TopUp = z
  .strictObject({ usd_micros: Amount, note: Note.optional() })
  .meta({ id: "CreditTopUp", description: "Adds prepaid credits, in millionths of a US dollar" });

export const Adjustment = z
  .strictObject({
    usd_micros: z
      .int()
      .min(-MAX_CREDIT_USD_MICROS)
      .max(MAX_CREDIT_USD_MICROS)
      .refine((value) => value !== 0, "Is zero"),
    note: Note.min(1),
  })
  .meta({ id: "CreditAdjustment", description: "Corrects a balance, in either direction; the note says why" });

const signed = z.int().min(-Number.MAX_SAFE_INTEGER).max(Number.MAX_SAFE_INTEGER);

export const CreditMovement = z
  .strictObject({
    seq: Integer,
    at: Time,
    kind: z.enum(["top_up", "adjustment", "charge", "refund"]),
    usd_micros: signed,
    balance_usd_micros: signed,
    reference: z.string(),
    note: z.string(),
  })
  .meta({ id: "CreditMovement", description: "A line of a statement; all lines sum to the balance" });
export type CreditMovement = z.output<typeof CreditMovement>;

export const CreditBalance = z
  .strictObject({ balance_usd_micros: signed, held_usd_micros: Integer, available_usd_micros: signed })
  .meta({ id: "CreditBalance", description: "What was paid in and not used, what open calls hold, and what is left" });
export type CreditBalance = z.output<typeof CreditBalance>;

export const CreditChange = z
  .strictObject({ movement: CreditMovement, balance: CreditBalance })
  .meta({ id: "CreditChange" });

export function movementView(movement: Movement): CreditMovement {
  return {
    seq: movement.seq,
    at: wireTime(movement.atMs),
    kind: movement.kind,
    usd_micros: movement.usdMicros,
    balance_usd_micros: movement.balanceUsdMicros,
    reference: movement.reference,
    note: movement.note,
  };
}

/** An EVM network in CAIP-2 form. */
export const EvmNetwork = z
  .string()
  .max(64)
  .refine((text) => chainIdOf(text) !== null, "Must be an EVM network such as eip155:8453");

/** An EVM address; one in mixed case must carry its checksum (EIP-55), so that a typing error is found. */
export const EvmAddress = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, "Must be 0x and 40 hex digits")
  .refine((text) => isOneCase(text) || checksumAddress(text) === text, "Has a wrong checksum (EIP-55)")
  .refine((text) => !/^0x0{40}$/.test(text), "Is the zero address");

function isOneCase(address: string): boolean {
  const digits = address.slice(2);
  return digits === digits.toLowerCase() || digits === digits.toUpperCase();
}
