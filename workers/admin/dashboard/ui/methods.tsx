/** The methods that a rule is for. */
import type { Signal } from "@preact/signals";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "*"] as const;

export function Methods({ legend, value }: { readonly legend: string; readonly value: Signal<readonly string[]> }) {
  const toggle = (method: string, on: boolean) => {
    const rest = value.value.filter((each) => each !== method);
    value.value = on ? [...rest, method] : rest;
  };
  // Of a rule made over the API there may be others.
  const shown = [...METHODS, ...value.value.filter((each) => !METHODS.some((known) => known === each))];
  return (
    <div class="methods" role="group" aria-label={legend}>
      {shown.map((method) => (
        <label key={method}>
          <input
            type="checkbox"
            checked={value.value.includes(method)}
            onChange={(event) => toggle(method, event.currentTarget.checked)}
          />
          {method === "*" ? "any" : method}
        </label>
      ))}
    </div>
  );
}
