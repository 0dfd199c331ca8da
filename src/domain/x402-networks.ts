/** Names of EVM networks: CAIP-2 in version 2 of x402, short names in version 1. Pure; only networks that both know. */
const CHAIN_IDS_BY_V1_NAME: Readonly<Record<string, number>> = {
  base: 8_453,
  "base-sepolia": 84_532,
  avalanche: 43_114,
  "avalanche-fuji": 43_113,
  polygon: 137,
  "polygon-amoy": 80_002,
};

const CAIP2_EVM = /^eip155:([1-9]\d{0,15})$/;

/** Chain id of `eip155:8453`, or null for anything else. */
export function chainIdOf(network: string): number | null {
  const match = CAIP2_EVM.exec(network);
  const id = Number(match?.[1]);
  return match !== null && Number.isSafeInteger(id) ? id : null;
}

/** `base-sepolia` for `eip155:84532`; null where version 1 has no name. */
export function v1NetworkName(network: string): string | null {
  const id = chainIdOf(network);
  return Object.entries(CHAIN_IDS_BY_V1_NAME).find(([, known]) => known === id)?.[0] ?? null;
}
