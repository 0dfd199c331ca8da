/**
 * Whether every path of one pattern is matched by some pattern of a list, decided exactly and with a counterexample.
 *
 * A pattern is read as a non-deterministic automaton over characters (an escape, or a whole UTF-8 character in escapes,
 * is one). The search walks the product of the inner automaton, the determinised union of the outer ones, and the form
 * that canonical paths have (`path.ts`: no empty, dot or twice encoded segments), breadth first, so a counterexample is
 * a shortest one. Characters that no pattern mentions at a step behave alike, so one of them stands for all.
 *
 * Bounded: when the budget is used up the answer is `undecided`, which callers must treat as "not included".
 */
import type { Pattern } from "./pattern.ts";

/** Work that one decision, or several that share the budget, may take. */
export interface Budget {
  /** Transitions left. */
  steps: number;
}

export const MAX_INCLUSION_STEPS = 1_500_000;

export type Search =
  | { readonly answer: "included" | "undecided" }
  /** `witness` is a canonical path of the inner pattern that no outer one matches. */
  | { readonly answer: "outside"; readonly witness: string };

/**
 * - `token`: that character; `any`: one character but not "/"; `loop`: any number of those
 * - `deep` is followed by `below`: together any number of times "/" and a segment
 */
type Instruction =
  | { readonly kind: "token"; readonly token: string }
  | { readonly kind: "any" | "loop" | "deep" | "below" | "end" };

/** Several patterns one after another; a state is an index. */
export interface Program {
  readonly code: readonly Instruction[];
  readonly starts: readonly number[];
}

const CHARACTER =
  /%F[0-4](?:%[89AB][0-9A-F]){3}|%E[0-9A-F](?:%[89AB][0-9A-F]){2}|%[CD][0-9A-F]%[89AB][0-9A-F]|%[0-9A-F]{2}|[^]/g;

export function compileProgram(patterns: readonly Pattern[]): Program {
  const code: Instruction[] = [];
  const starts: number[] = [];
  const text = (written: string): void => {
    for (const token of written.match(CHARACTER) ?? []) code.push({ kind: "token", token });
  };
  for (const pattern of patterns) {
    starts.push(code.length);
    for (const part of pattern.parts) {
      if (part.kind === "deep") {
        code.push({ kind: "deep" }, { kind: "below" });
        continue;
      }
      text("/");
      if (part.kind === "literal") text(part.text);
      else if (part.kind === "one") code.push({ kind: "any" }, { kind: "loop" });
      else {
        for (const [index, chunk] of part.chunks.entries()) {
          if (index > 0) code.push({ kind: "loop" });
          text(chunk);
        }
      }
    }
    code.push({ kind: "end" });
  }
  return { code, starts };
}

/** States that can be in at once without consuming anything, in ascending order. */
function closure(program: Program, states: Iterable<number>): readonly number[] {
  const all = new Set<number>();
  const waiting = [...states];
  for (let state = waiting.pop(); state !== undefined; state = waiting.pop()) {
    if (all.has(state)) continue;
    all.add(state);
    const kind = program.code[state]?.kind;
    if (kind === "loop" || kind === "below") waiting.push(state + 1);
    else if (kind === "deep") waiting.push(state + 2);
  }
  return [...all].toSorted((one, other) => one - other);
}

function advance(program: Program, state: number, token: string): number | null {
  const instruction = program.code[state];
  switch (instruction?.kind) {
    case "token":
      return instruction.token === token ? state + 1 : null;
    case "any":
      return token === "/" ? null : state + 1;
    case "loop":
      return token === "/" ? null : state;
    case "deep":
      return token === "/" ? state + 1 : null;
    case "below":
      return state;
    default:
      return null;
  }
}

/** How far a canonical path has come: `dots` is a segment of dots and spaces only, `encoded` stands behind `%25`. */
type Form = "start" | "fresh" | "spaces" | "dots" | "text" | "encoded" | "encoded_digit";

/** The form after one more character; null when no canonical path goes on like this. */
function nextForm(form: Form, token: string): Form | null {
  if (token === "/" || token === "%2F") {
    if (form === "start") return token === "/" ? "fresh" : null;
    return form === "fresh" || form === "dots" ? null : "fresh";
  }
  const open = form === "fresh" || form === "spaces" || form === "dots";
  if (form === "start") return null;
  if (token === "." && open) return "dots";
  if (token === "%20" && open) return form === "dots" ? "dots" : "spaces";
  if (token === "%25") return "encoded";
  if (!/^[0-9A-Fa-f]$/.test(token)) return "text";
  if (form === "encoded") return "encoded_digit";
  return form === "encoded_digit" ? null : "text";
}

function complete(form: Form): boolean {
  return form !== "start" && form !== "dots";
}

interface Node {
  readonly inner: number;
  readonly outer: readonly number[];
  readonly form: Form;
  readonly parent: Node | null;
  readonly token: string;
}

export function searchOutside(outer: Program, inner: Program, budget: Budget): Search {
  const seen = new Set<string>();
  const queue: Node[] = [];
  const add = (node: Node): void => {
    if (coversAll(outer, node.outer)) return;
    const key = `${node.inner} ${node.form} ${node.outer.join(",")}`;
    if (seen.has(key)) return;
    seen.add(key);
    queue.push(node);
  };
  const start = closure(outer, outer.starts);
  for (const state of closure(inner, inner.starts)) {
    add({ inner: state, outer: start, form: "start", parent: null, token: "" });
  }
  for (let head = 0; head < queue.length; head += 1) {
    const node = queue[head];
    if (node === undefined) break;
    if (inner.code[node.inner]?.kind === "end") {
      if (complete(node.form) && !accepts(outer, node.outer)) return { answer: "outside", witness: spelled(node) };
      continue;
    }
    for (const token of candidates(outer, inner, node)) {
      budget.steps -= node.outer.length + 1;
      if (budget.steps < 0) return { answer: "undecided" };
      const form = nextForm(node.form, token);
      const target = advance(inner, node.inner, token);
      if (form === null || target === null) continue;
      const reached = closure(outer, moved(outer, node.outer, token));
      for (const state of closure(inner, [target])) add({ inner: state, outer: reached, form, parent: node, token });
    }
  }
  return { answer: "included" };
}

function moved(program: Program, states: readonly number[], token: string): readonly number[] {
  const targets: number[] = [];
  for (const state of states) {
    const target = advance(program, state, token);
    if (target !== null) targets.push(target);
  }
  return targets;
}

function accepts(program: Program, states: readonly number[]): boolean {
  return states.some((state) => program.code[state]?.kind === "end");
}

/** Some outer pattern is inside its own last `/*`: whatever comes is matched. */
function coversAll(program: Program, states: readonly number[]): boolean {
  return states.some((state) => program.code[state]?.kind === "below" && program.code[state + 1]?.kind === "end");
}

/** The characters that can lead to different places: those that some outer state waits for, and one that none does. */
function candidates(outer: Program, inner: Program, node: Node): Iterable<string> {
  const instruction = inner.code[node.inner];
  if (instruction?.kind === "token") return [instruction.token];
  if (instruction?.kind === "deep") return ["/"];
  const tokens = new Set<string>();
  for (const state of node.outer) {
    const wanted = outer.code[state];
    if (wanted?.kind === "token") tokens.add(wanted.token);
  }
  tokens.add(unmentioned(tokens));
  if (instruction?.kind === "below") tokens.add("/");
  else tokens.delete("/");
  return tokens;
}

/** Neither a dot nor a hexadecimal digit, so that it may stand everywhere in a canonical path. */
const FREE = "xyzwvutsrqponmlkjihgXYZWVUTSRQPONMLKJIHG_-~";

function unmentioned(tokens: ReadonlySet<string>): string {
  for (const token of FREE) if (!tokens.has(token)) return token;
  let code = 0x4e00;
  while (tokens.has(encodeURIComponent(String.fromCharCode(code)))) code += 1;
  return encodeURIComponent(String.fromCharCode(code));
}

function spelled(last: Node): string {
  const tokens: string[] = [];
  for (let node: Node | null = last; node !== null; node = node.parent) tokens.push(node.token);
  return tokens.toReversed().join("");
}
