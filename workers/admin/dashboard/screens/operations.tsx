/** Which operations of the vendor's API a scope reaches, by name, as far as the connection knows its operations. */
import type { Connection } from "../../../../src/contract/connection.ts";
import { rulesInclude } from "../../../../src/domain/inclusion.ts";
import { templatePattern } from "../../../../src/domain/operation.ts";
import { compilePattern } from "../../../../src/domain/pattern.ts";
import { patternsOverlap } from "../../../../src/domain/pattern-overlap.ts";
import { plain, plural } from "../format.ts";
import { Badge, Code } from "../ui/text.tsx";
import { lines } from "./scope-draft.ts";
import type { ScopeDraft } from "./scope-draft.ts";

const MAX_SHOWN = 50;

export function Operations({ connection, scope }: { readonly connection: Connection; readonly scope: ScopeDraft }) {
  if (connection.operations.length === 0) return null;
  const rules = scope.rules.value.map((rule) => ({ methods: rule.methods.value, paths: lines(rule.paths.value) }));
  const reached = connection.operations.flatMap((operation) => {
    const pattern = templatePattern(operation.template);
    const template = compilePattern(pattern);
    const touched = rules.some(
      (rule) =>
        (rule.methods.includes("*") || rule.methods.includes(operation.method)) &&
        rule.paths.some((path) => {
          const compiled = compilePattern(path);
          return compiled !== null && template !== null && patternsOverlap(compiled, template);
        }),
    );
    return touched
      ? [{ operation, whole: rulesInclude(rules, [{ methods: [operation.method], paths: [pattern] }]) }]
      : [];
  });
  return (
    <details>
      <summary>
        Reaches {plural(reached.length, "operation")} of {connection.operations.length}
      </summary>
      <ul class="plain stack tight">
        {reached.slice(0, MAX_SHOWN).map(({ operation, whole }) => (
          <li key={`${operation.method} ${operation.template}`} class="row">
            <Code value={`${operation.method} ${operation.template}`} />
            <span class="muted">{plain(operation.name)}</span>
            {whole ? null : <Badge tone="calm">in part</Badge>}
          </li>
        ))}
      </ul>
      {reached.length > MAX_SHOWN ? <p class="muted">and {reached.length - MAX_SHOWN} more</p> : null}
    </details>
  );
}
