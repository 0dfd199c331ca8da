/**
 * Members of a JSON document, addressed by dotted path: `metadata.plan`, `items[].price` (`[]`: every item).
 *
 * Looking for a member errs on the side of finding it, because vendors read JSON more loosely than RFC 8259: names are
 * compared without case, `_` and `-` (Go, .NET and protobuf readers take such variants for the same member), and lists
 * are entered whether the path says `[]` or not; a name such as `a.b` counts as the path it spells. Whether what was
 * found is spelled and shaped exactly as the path says is told apart, so that a rule which must hold for the real member
 * can refuse the rest.
 */
import { scanJson } from "./json-scan.ts";
import type { JsonMember, JsonNode, JsonProblem, JsonScalar } from "./json-scan.ts";
import type { Result } from "./result.ts";
import { ok } from "./result.ts";

export interface MemberStep {
  readonly name: string;
  /** `[]` stands behind the name. */
  readonly each: boolean;
}

/** A path that is not well formed gives steps that match what they can; the admin API refuses it beforehand. */
export function memberSteps(path: string): readonly MemberStep[] {
  const known = steps.get(path);
  if (known !== undefined) return known;
  const built = path
    .replace(/^\[\]\.?/, "")
    .split(".")
    .map((part) => (part.endsWith("[]") ? { name: part.slice(0, -2), each: true } : { name: part, each: false }));
  if (steps.size >= MAX_REMEMBERED) steps.clear();
  steps.set(path, built);
  return built;
}

const steps = new Map<string, readonly MemberStep[]>();
const MAX_REMEMBERED = 2_048;

export interface FoundMembers {
  readonly values: readonly JsonNode[];
  /** Some object where the member could stand does not have it. */
  readonly missing: boolean;
  /** Some value was found under a variant of the name, twice, or where the path says a list and there is none. */
  readonly unclear: boolean;
}

export function findMembers(document: JsonNode, path: string): FoundMembers {
  const found = { values: [], missing: false, unclear: false };
  collect(document, memberSteps(path), 0, found);
  return found;
}

interface Collected {
  readonly values: JsonNode[];
  missing: boolean;
  unclear: boolean;
}

function collect(node: JsonNode, path: readonly MemberStep[], at: number, found: Collected): void {
  const step = path[at];
  if (step === undefined) {
    found.values.push(node);
  } else if (node.kind === "array") {
    // Where the path says no list, an empty one may be read as an empty object.
    if (node.items.length === 0) found.missing = true;
    for (const item of node.items) collect(item, path, at, found);
  } else if (node.kind === "scalar") {
    found.missing = true;
  } else {
    const members = namesakes(node.members, step.name);
    if (members.length === 0) found.missing = true;
    if (members.length > 1 || (members[0] !== undefined && members[0].name !== step.name)) found.unclear = true;
    for (const member of members) {
      if (step.each) collectItems(member.value, path, at + 1, found);
      else collect(member.value, path, at + 1, found);
    }
    collectJoined(node.members, path, at, found);
  }
}

/** Members whose name spells several steps: `{"a.b": …}` and `{"a[b]": …}` are b of a to some servers. */
function collectJoined(
  members: readonly JsonMember[],
  path: readonly MemberStep[],
  at: number,
  found: Collected,
): void {
  for (const { name, value } of members) {
    if (!/[.[]/.test(name) || namesakes([{ name, start: 0, value }], path[at]?.name ?? "").length > 0) continue;
    const parts = name.split(/[.[\]]+/).filter((part) => part !== "" && !/^[0-9]+$/.test(part));
    const rest = path.slice(at);
    const shared = Math.min(parts.length, rest.length);
    if (parts.length === 0 || !rest.slice(0, shared).every((step, index) => alike(step.name, parts[index]))) continue;
    found.unclear = true;
    collect(value, path, at + shared, found);
  }
}

function alike(wanted: string, part: string | undefined): boolean {
  return part !== undefined && (part === wanted || looseName(part) === looseName(wanted));
}

/** A list's items; of anything else, itself and its members (some servers take `{"0": …}` for a list). */
function collectItems(node: JsonNode, path: readonly MemberStep[], at: number, found: Collected): void {
  if (node.kind === "array") {
    for (const item of node.items) collect(item, path, at, found);
    return;
  }
  found.unclear = true;
  collect(node, path, at, found);
  if (node.kind === "object") for (const member of node.members) collect(member.value, path, at, found);
}

/** Members that some reader would take for `name`. */
export function namesakes(members: readonly JsonMember[], name: string): readonly JsonMember[] {
  const wanted = looseName(name);
  return members.filter((member) => member.name === name || looseName(member.name) === wanted);
}

/** Alike for names that some reader would take for the same. */
export function looseName(name: string): string {
  if (/^[a-z0-9]*$/.test(name)) return name;
  return name.normalize("NFKC").toLowerCase().replace(/[_-]/g, "");
}

/** All scalars in a value, itself included. */
export function scalarsOf(node: JsonNode): readonly JsonScalar[] {
  if (node.kind === "scalar") return [node.value];
  const below = node.kind === "array" ? node.items : node.members.map((member) => member.value);
  return below.flatMap(scalarsOf);
}

/**
 * Takes members out of a JSON text (names compared exactly; lists are entered whether the path says `[]` or not).
 * What stays keeps its spelling: numbers, escapes and duplicate names are not re-written.
 * @returns the text without them, the very same text when there was none, or why it cannot be read
 */
export function removeMembers(json: string, members: readonly string[]): Result<string, JsonProblem> {
  const scanned = scanJson(json);
  if (!scanned.ok) return scanned;
  const without = rewrite(json, scanned.value, members.map(memberSteps));
  return ok(without === null ? json : json.slice(0, scanned.value.start) + without + json.slice(scanned.value.end));
}

/** The node's text without what the paths name; null when nothing goes. */
function rewrite(text: string, node: JsonNode, paths: readonly (readonly MemberStep[])[]): string | null {
  if (paths.length === 0 || node.kind === "scalar") return null;
  const entries = node.kind === "array" ? node.items.map((value) => ({ value, start: value.start })) : node.members;
  let changed = false;
  const kept: string[] = [];
  for (const entry of entries) {
    const below = "name" in entry ? pathsBelow(paths, entry.name) : paths;
    if (below === null) {
      changed = true;
      continue;
    }
    const value = rewrite(text, entry.value, below);
    if (value !== null) changed = true;
    kept.push(text.slice(entry.start, entry.value.start) + (value ?? text.slice(entry.value.start, entry.value.end)));
  }
  if (!changed) return null;
  return node.kind === "array" ? `[${kept.join(",")}]` : `{${kept.join(",")}}`;
}

/** What is left of the paths behind a member's name; null when one of them ends there. */
function pathsBelow(
  paths: readonly (readonly MemberStep[])[],
  name: string,
): readonly (readonly MemberStep[])[] | null {
  const below = paths.filter((path) => path[0]?.name === name).map((path) => path.slice(1));
  return below.some((path) => path.length === 0) ? null : below;
}
