/**
 * `npm start`: everything on this machine. Builds, migrates, starts, seeds a demo on the first run, and says what to try.
 * What an operator can put right is one line on stderr and exit code 1.
 */
import { startDemoVendor, type DemoVendor } from "../demo/vendor.ts";
import { loadVars } from "./dev-vars.ts";
import { moveDemo, seedDemo, type Seeded } from "./local-seed.ts";
import { readSettings, type LocalSettings } from "./local-settings.ts";
import type { LocalStack } from "./local-stack.ts";
import { openState } from "./local-state.ts";
import { assertPortFree } from "./ports.ts";
import { StartupError } from "./startup-error.ts";
import { ownerKeyNotice, welcome } from "./welcome.ts";

async function main(): Promise<void> {
  const settings = readSettings(process.env);
  await assertPorts(settings);
  const state = openState(settings.stateDirectory);
  const vars = loadVars(settings.varsPath, process.env, { mayCreate: !state.isUsed });
  state.claim(vars.secrets);
  if (vars.created) process.stdout.write(ownerKeyNotice(settings, vars));

  let vendor: DemoVendor | null = null;
  let stack: LocalStack | null = null;
  let stopping = false;
  const stop = async (code: number) => {
    if (stopping) return;
    stopping = true;
    await stack?.stop();
    await vendor?.stop();
    state.release();
    process.exit(code);
  };
  const obeySignals = () => {
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
      // Also takes away Miniflare's own handlers, which would end the process before it has stopped cleanly.
      process.removeAllListeners(signal);
      process.on(signal, () => void stop(0));
    }
  };
  obeySignals();

  try {
    vendor = settings.demo ? await startDemoVendor({ port: settings.demoPort, key: state.demoVendorKey() }) : null;
    // Loaded late: a start that cannot succeed says so without waiting for the runtime's code.
    const { startStack } = await import("./local-stack.ts");
    stack = await startStack(settings, vars);
    obeySignals();
    let seeded: Seeded | null = null;
    if (vendor !== null && state.seededPort() === null) {
      seeded = await seedDemo(settings, vars.secrets.RELAYKEY_OWNER_KEY, state.demoVendorKey());
    } else if (vendor !== null && state.seededPort() !== settings.demoPort) {
      await moveDemo(settings, vars.secrets.RELAYKEY_OWNER_KEY);
    }
    if (vendor !== null) state.markSeeded(settings.demoPort);
    process.stdout.write(welcome(settings, vars, seeded));
  } catch (error) {
    await vendor?.stop();
    vendor = null;
    report(isAddressInUse(error) ? await busyPort(settings) : error);
    await stop(1);
  }
}

/** Somebody took a port after it was found free: says which. */
async function busyPort(settings: LocalSettings): Promise<unknown> {
  try {
    await assertPorts(settings);
    return new StartupError("Another program held a port for a moment: start again");
  } catch (error) {
    return error;
  }
}

function isAddressInUse(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_ADDRESS_IN_USE";
}

async function assertPorts(settings: LocalSettings): Promise<void> {
  await assertPortFree(settings.proxyPort, "RELAYKEY_PROXY_PORT");
  await assertPortFree(settings.adminPort, "RELAYKEY_ADMIN_PORT");
  if (settings.demo) await assertPortFree(settings.demoPort, "RELAYKEY_DEMO_PORT");
}

function report(error: unknown): void {
  if (error instanceof StartupError) console.error(`RelayKey cannot start: ${error.message}`);
  else console.error("RelayKey cannot start:", error);
}

main().catch((error: unknown) => {
  report(error);
  process.exit(1);
});
