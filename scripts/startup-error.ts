/** A reason not to start that the operator can act on. Its message is the one line they see. */
export class StartupError extends Error {
  override readonly name = "StartupError";
}
