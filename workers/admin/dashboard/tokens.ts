/**
 * Networks and tokens by the names that people know. Only what is offered in pickers and shown beside an address: the
 * address itself always stands there too, and any other can be typed. From the default assets of `@x402/evm` 2.27.
 */

export interface KnownToken {
  /** CAIP-2. */
  readonly network: string;
  readonly networkName: string;
  readonly symbol: string;
  readonly asset: string;
  readonly decimals: number;
  /** The token's EIP-712 domain, which payers sign. */
  readonly name: string;
  readonly version: string;
  readonly test: boolean;
}

function usdc(network: string, networkName: string, asset: string, name = "USD Coin", test = false): KnownToken {
  return { network, networkName, symbol: "USDC", asset, decimals: 6, name, version: "2", test };
}

export const KNOWN_TOKENS: readonly KnownToken[] = [
  usdc("eip155:8453", "Base", "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"),
  usdc("eip155:84532", "Base Sepolia", "0x036CbD53842c5426634e7929541eC2318f3dCF7e", "USDC", true),
  usdc("eip155:1", "Ethereum", "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"),
  usdc("eip155:137", "Polygon", "0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359"),
  usdc("eip155:42161", "Arbitrum One", "0xaf88d065e77c8cC2239327C5EDb3A432268e5831"),
  usdc("eip155:43114", "Avalanche", "0xB97EF9Ef8734C71904D8002F8b6Bc66Dd9c48a6E"),
  usdc("eip155:421614", "Arbitrum Sepolia", "0x75faf114eafb1BDbe2F0316DF893fd58CE46AA4d", "USD Coin", true),
];

/** Addresses are compared whatever their case: it is only a checksum. */
export function knownToken(network: string, asset: string): KnownToken | null {
  const wanted = asset.toLowerCase();
  return KNOWN_TOKENS.find((each) => each.network === network && each.asset.toLowerCase() === wanted) ?? null;
}

export function networkName(network: string): string {
  return KNOWN_TOKENS.find((each) => each.network === network)?.networkName ?? network;
}

/** `0x2096…287C`: enough to recognise; the whole stands beside it, or is copied. */
export function shortHex(hex: string): string {
  return hex.length > 14 ? `${hex.slice(0, 6)}…${hex.slice(-4)}` : hex;
}
