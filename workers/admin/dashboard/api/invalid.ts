/** What the dashboard itself sees to be wrong in a form, in the form in which the API says so: every field shows it alike. */
import type { Failure, FieldError } from "./client.ts";

export function invalidFields(errors: readonly FieldError[]): { readonly ok: false; readonly error: Failure } {
  return {
    ok: false,
    error: {
      kind: "refused",
      status: 0,
      code: "invalid_request",
      title: "Nothing was sent",
      detail: "Something in the form cannot be used; it is marked.",
      requestId: null,
      errors,
      document: {},
    },
  };
}
