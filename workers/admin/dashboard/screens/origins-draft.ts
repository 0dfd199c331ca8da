/** Further origins of a connection while they are being written, and the member `origins` that comes of them. */
import { signal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import type { Connection } from "../../../../src/contract/connection.ts";
import type { FieldError } from "../../../../src/contract/problem.ts";
import { err, ok } from "../../../../src/domain/result.ts";
import type { Result } from "../../../../src/domain/result.ts";
import { wholeLines } from "./scope-draft.ts";

type Origin = Connection["origins"][number];

export interface OriginDraft {
  readonly key: number;
  readonly name: Signal<string>;
  readonly baseUrl: Signal<string>;
  /** One a line. */
  readonly prefixes: Signal<string>;
}

let lastKey = 0;

export function originDraft(from: Origin = { name: "", base_url: "", path_prefixes: [] }): OriginDraft {
  lastKey += 1;
  return {
    key: lastKey,
    name: signal(from.name),
    baseUrl: signal(from.base_url),
    prefixes: signal(from.path_prefixes.join("\n")),
  };
}

/** Names and URLs are the API's to judge; here only what would never be reached: the second of two with the same name. */
export function originsBody(drafts: readonly OriginDraft[]): Result<readonly Origin[], readonly FieldError[]> {
  const origins = drafts.map((draft) => ({
    name: draft.name.value.trim(),
    base_url: draft.baseUrl.value.trim(),
    path_prefixes: wholeLines(draft.prefixes.value),
  }));
  const errors = origins.flatMap((origin, i) =>
    origins.findIndex((each) => each.name === origin.name) === i
      ? []
      : [{ field: `origins[${i}].name`, message: "Is the name of another one" }],
  );
  return errors.length === 0 ? ok(origins) : err(errors);
}
