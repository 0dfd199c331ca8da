/** Looks at this machine's processes through /proc. Everything here gives nothing where /proc does not exist. */
import { readdirSync, readFileSync } from "node:fs";

/** Linux counts processor time in hundredths of a second. */
const MS_PER_TICK = 10;

/** Ids of the direct children of `parent` with that command name, zombies left out. */
export function childrenNamed(name: string, parent: number): number[] {
  try {
    return readdirSync("/proc")
      .filter((entry) => /^\d+$/.test(entry))
      .map(Number)
      .filter((pid) => {
        const stat = readStat(pid);
        return stat !== null && stat.command === name && stat.parent === parent && stat.state !== "Z";
      });
  } catch {
    return [];
  }
}

/** Processor time that a process has used so far, in ms; null for one that has ended. */
export function processorMs(pid: number): number | null {
  return readStat(pid)?.processorMs ?? null;
}

/** `pid (command) state ppid … utime stime …`: fields 2, 3, 4, 14 and 15 of proc_pid_stat(5). */
function readStat(pid: number) {
  try {
    const match = /^\d+ \((.*)\) (\S) (\d+) (?:\S+ ){9}(\d+) (\d+) /.exec(readFileSync(`/proc/${pid}/stat`, "latin1"));
    if (match === null) return null;
    const ticks = Number(match[4]) + Number(match[5]);
    return {
      command: match[1] ?? "",
      state: match[2] ?? "",
      parent: Number(match[3]),
      processorMs: ticks * MS_PER_TICK,
    };
  } catch {
    return null;
  }
}
