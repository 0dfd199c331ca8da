/** The value below which the share `q` (0 to 1, not 1) of the values lies: 0.5 is the upper median. NaN of none. */
export function quantile(values: readonly number[], q: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * q)] ?? Number.NaN;
}
