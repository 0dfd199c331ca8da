/** A price of the vendor while it is being written: in dollars, and the member of `prices` that comes of it. */
import { signal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import type { Connection } from "../../../../src/contract/connection.ts";
import type { FieldError } from "../../../../src/contract/problem.ts";
import { err, ok } from "../../../../src/domain/result.ts";
import type { Result } from "../../../../src/domain/result.ts";
import { dollars, microsOf, microsText } from "../amount.ts";
import { lines } from "./scope-draft.ts";

export type Cost = Connection["prices"][number];

export interface CostMemberDraft {
  readonly key: number;
  readonly member: Signal<string>;
  /** US dollars for a million units, as vendors of models state it. */
  readonly usd: Signal<string>;
  /** Not every answer has it. */
  readonly optional: Signal<boolean>;
}

export interface CostDraft {
  readonly kind: Signal<string>;
  readonly methods: Signal<readonly string[]>;
  readonly paths: Signal<string>;
  /** fixed: of a call; otherwise the most that a call can cost. */
  readonly usd: Signal<string>;
  readonly header: Signal<string>;
  /** header: US dollars for one unit of its value. */
  readonly unitUsd: Signal<string>;
  readonly members: Signal<readonly CostMemberDraft[]>;
}

let lastKey = 0;

export function costMemberDraft(member = "", usdPerMillion = "", optional = false): CostMemberDraft {
  lastKey += 1;
  return { key: lastKey, member: signal(member), usd: signal(usdPerMillion), optional: signal(optional) };
}

export function costDraft(from: Cost | null): CostDraft {
  return {
    kind: signal(from?.kind ?? "fixed"),
    methods: signal(from?.methods ?? ["GET"]),
    paths: signal(from?.paths.join("\n") ?? ""),
    usd: signal(from === null ? "" : microsText(from.kind === "fixed" ? from.usd_micros : from.max_usd_micros)),
    header: signal(from?.kind === "header" ? from.name : ""),
    unitUsd: signal(from?.kind === "header" ? plainNumber(from.usd_micros_per_unit / MICROS) : ""),
    members: signal(
      from?.kind === "json"
        ? // A millionth of a dollar for one is a dollar for a million.
          from.members.map((each) =>
            costMemberDraft(each.member, plainNumber(each.usd_micros_per_unit), each.optional ?? false),
          )
        : [costMemberDraft()],
    ),
  };
}

const MICROS = 1_000_000;
const NO_AMOUNT = "Is not an amount such as 0.0025, with at most six digits after the point";
const NO_NUMBER = "Is not a number such as 0.0025";

/** @param index of the price among the connection's, by which the API names its members */
export function costBody(draft: CostDraft, index: number): Result<Cost, readonly FieldError[]> {
  const errors: FieldError[] = [];
  const at = (member: string) => `prices[${index}].${member}`;
  const rate = (text: string, member: string, scale: number): number => {
    const number = text.trim() === "" ? Number.NaN : Number(text);
    if (!Number.isFinite(number) || number < 0) errors.push({ field: at(member), message: NO_NUMBER });
    return number * scale;
  };
  const usdMember = draft.kind.value === "fixed" ? "usd_micros" : "max_usd_micros";
  const micros = microsOf(draft.usd.value);
  if (micros === null || micros < 0) errors.push({ field: at(usdMember), message: NO_AMOUNT });
  const common = { methods: [...draft.methods.value], paths: lines(draft.paths.value) };
  const usd = micros ?? 0;
  let cost: Cost;
  switch (draft.kind.value) {
    case "header":
      cost = {
        kind: "header",
        ...common,
        name: draft.header.value.trim(),
        usd_micros_per_unit: rate(draft.unitUsd.value, "usd_micros_per_unit", MICROS),
        max_usd_micros: usd,
      };
      break;
    case "json":
      cost = {
        kind: "json",
        ...common,
        members: draft.members.value.map((each, i) => ({
          member: each.member.value.trim(),
          usd_micros_per_unit: rate(each.usd.value, `members[${i}].usd_micros_per_unit`, 1),
          ...(each.optional.value ? { optional: true } : {}),
        })),
        max_usd_micros: usd,
      };
      break;
    default:
      cost = { kind: "fixed", ...common, usd_micros: usd };
  }
  return errors.length === 0 ? ok(cost) : err(errors);
}

export function costText(cost: Cost): string {
  switch (cost.kind) {
    case "fixed":
      return `${dollars(cost.usd_micros)} a call`;
    case "header":
      return `$${plainNumber(cost.usd_micros_per_unit / MICROS)} for each unit of ${cost.name}, at most ${dollars(cost.max_usd_micros)}`;
    case "json":
      return `${cost.members
        .map((each) => `$${plainNumber(each.usd_micros_per_unit)} for a million of ${each.member}`)
        .join(", ")}, at most ${dollars(cost.max_usd_micros)}`;
  }
}

/** Without an exponent, and without the last digits that floating point makes up. */
function plainNumber(value: number): string {
  return new Intl.NumberFormat("en-US", {
    maximumSignificantDigits: 12,
    maximumFractionDigits: 12,
    useGrouping: false,
  }).format(value);
}
