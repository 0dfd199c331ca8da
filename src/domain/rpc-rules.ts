/**
 * Which JSON-RPC 2.0 methods and MCP tools a scope allows. Batches are judged call by call.
 * Answers to a server's own requests (`result` or `error` without `method`) call nothing and pass.
 */
import { matchesGlob } from "./glob.ts";
import { namesakes } from "./json-path.ts";
import type { JsonNode } from "./json-scan.ts";
import type { Refusal } from "./problem.ts";
import type { Result } from "./result.ts";
import { err, ok } from "./result.ts";
import type { Scope } from "./scope.ts";

export type RpcRule = NonNullable<Scope["jsonRpc"]>;

export const MAX_RPC_BATCH = 100;
/** The method that calls a tool (Model Context Protocol, "Calling Tools"). */
export const TOOL_CALL = "tools/call";

export function judgeRpcBody(rule: RpcRule, body: JsonNode): Refusal | null {
  if (body.kind !== "array") return judgeCall(rule, body);
  if (body.items.length === 0) return refused("The batch is empty.");
  if (body.items.length > MAX_RPC_BATCH) return refused(`A batch may hold ${MAX_RPC_BATCH} calls.`);
  for (const item of body.items) {
    const refusal = judgeCall(rule, item);
    if (refusal !== null) return refusal;
  }
  return null;
}

function judgeCall(rule: RpcRule, call: JsonNode): Refusal | null {
  if (call.kind !== "object") return refused("A JSON-RPC call must be a JSON object.");
  const method = onlyMember(call, "method");
  if (!method.ok) return method.error;
  if (method.value === null) {
    const answers = ["result", "error"].some((name) => namesakes(call.members, name).length > 0);
    return answers ? null : refused('The JSON-RPC call has no member "method".');
  }
  const name = textOf(method.value);
  if (name === null) return refused('The JSON-RPC member "method" must be a string.');
  if (rule.methods !== null && !namedBy(rule.methods, name)) {
    return refused(`The method "${shown(name)}" is outside the credential's scope.`, { allowed_methods: rule.methods });
  }
  // A lenient server may know `Tools/Call`, so the tool is judged under any spelling of the method.
  if (rule.tools === null || name.trim().toLowerCase() !== TOOL_CALL) return null;
  return judgeTool(rule.tools, call);
}

function judgeTool(tools: readonly string[], call: JsonNode): Refusal | null {
  const params = onlyMember(call, "params");
  if (!params.ok) return params.error;
  if (params.value?.kind !== "object") return refused('A tool call must have an object "params".');
  const tool = onlyMember(params.value, "name");
  if (!tool.ok) return tool.error;
  const name = tool.value === null ? null : textOf(tool.value);
  if (name === null) return refused('A tool call must have a string "params.name".');
  if (namedBy(tools, name)) return null;
  return refused(`The tool "${shown(name)}" is outside the credential's scope.`, { allowed_tools: tools });
}

/** The member of exactly that name; a second one, or one that a lenient reader would take for it, is refused. */
export function onlyMember(node: JsonNode, name: string): Result<JsonNode | null, Refusal> {
  const members = node.kind === "object" ? namesakes(node.members, name) : [];
  const [only] = members;
  if (only === undefined) return ok(null);
  if (members.length === 1 && only.name === name) return ok(only.value);
  return err(refused(`The member "${name}" must stand there once, spelled exactly so.`, { denied_member: name }));
}

/** Whether one of the names, in which `*` is any run of characters, is `text`. */
export function namedBy(names: readonly string[], text: string): boolean {
  return names.some((name) => matchesGlob(name, text));
}

export function textOf(node: JsonNode): string | null {
  return node.kind === "scalar" && typeof node.value === "string" ? node.value : null;
}

function shown(name: string): string {
  return name.slice(0, 64);
}

function refused(detail: string, extensions: Readonly<Record<string, unknown>> = {}): Refusal {
  return { code: "body_denied", detail, extensions };
}
