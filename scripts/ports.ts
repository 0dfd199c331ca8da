/** Checks of local ports: free before the start, answering after it, and reachable as `localhost` over IPv6 too. */
import { createServer, connect, type Server } from "node:net";
import { StartupError } from "./startup-error.ts";

const ANSWER_POLL_MS = 25;

/** Throws `StartupError` naming the variable that moves the port. */
export async function assertPortFree(port: number, variable: string): Promise<void> {
  const code = await listenError(port);
  if (code === null) return;
  const reason = code === "EADDRINUSE" ? "is in use" : `cannot be opened (${code})`;
  throw new StartupError(`Port ${port} ${reason}: stop what listens there, or set ${variable} to another port`);
}

/** The code of the error with which the port cannot be listened on, as `EADDRINUSE`; null: it is free. */
export function listenError(port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "unknown"));
    probe.listen({ port, host: "127.0.0.1", exclusive: true }, () => probe.close(() => resolve(null)));
  });
}

/** Resolves once something accepts connections on the port; throws after `timeoutMs`. */
export async function untilAnswering(port: number, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await accepts(port))) {
    if (performance.now() > deadline) throw new StartupError(`Nothing answers on port ${port} after ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, ANSWER_POLL_MS));
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    const finish = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => finish(true));
    socket.once("error", () => finish(false));
  });
}

/** Carries `[::1]:port` to `127.0.0.1:port` byte for byte. Null where the machine has no IPv6 or the port is taken there. */
export async function forwardIpv6(port: number): Promise<Server | null> {
  const server = createServer({ allowHalfOpen: true }, (incoming) => {
    const outgoing = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    incoming.setNoDelay(true);
    outgoing.setNoDelay(true);
    incoming.pipe(outgoing).pipe(incoming);
    const drop = () => {
      incoming.destroy();
      outgoing.destroy();
    };
    incoming.on("error", drop);
    outgoing.on("error", drop);
    incoming.on("close", () => outgoing.destroy());
    outgoing.on("close", () => incoming.destroy());
  });
  return new Promise((resolve) => {
    server.once("error", () => resolve(null));
    server.listen({ port, host: "::1", ipv6Only: true }, () => resolve(server));
  });
}
