/**
 * A real EVM chain on loopback (anvil, without its install script) that calls itself Base Sepolia, with an EIP-3009 token
 * at the address where USDC is there: unmodified clients pay in no other token.
 */
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { createPublicClient, createTestClient, createWalletClient, defineChain, http, type Hex } from "viem";
import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from "viem/accounts";
import { freePorts } from "../harness/free-ports.ts";
import { until } from "../harness/stack.ts";

const CHAIN_ID = 84_532;
export const NETWORK = `eip155:${CHAIN_ID}`;
export const TOKEN: Hex = "0x036CbD53842c5426634e7929541eC2318f3dCF7e";
export const PAY_TO: Hex = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C";
const START_TIMEOUT_MS = 20_000;

const TOKEN_SOURCE = `// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;
contract Token {
  string public constant name = "USDC";
  string public constant version = "2";
  uint8 public constant decimals = 6;
  mapping(address => uint256) public balanceOf;
  mapping(address => mapping(bytes32 => bool)) public authorizationState;
  event Transfer(address indexed from, address indexed to, uint256 value);
  event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce);
  function mint(address to, uint256 value) external { balanceOf[to] += value; emit Transfer(address(0), to, value); }
  function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore,
      bytes32 nonce, uint8 v, bytes32 r, bytes32 s) external {
    require(block.timestamp > validAfter, "authorization is not yet valid");
    require(block.timestamp < validBefore, "authorization is expired");
    require(!authorizationState[from][nonce], "authorization is used or canceled");
    bytes32 domain = keccak256(abi.encode(
      keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
      keccak256(bytes(name)), keccak256(bytes(version)), block.chainid, address(this)));
    bytes32 message = keccak256(abi.encode(
      keccak256("TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"),
      from, to, value, validAfter, validBefore, nonce));
    require(ecrecover(keccak256(abi.encodePacked(hex"1901", domain, message)), v, r, s) == from, "invalid signature");
    authorizationState[from][nonce] = true;
    emit AuthorizationUsed(from, nonce);
    require(balanceOf[from] >= value, "transfer amount exceeds balance");
    balanceOf[from] -= value;
    balanceOf[to] += value;
    emit Transfer(from, to, value);
  }
}`;

const TOKEN_ABI = [
  {
    type: "function",
    name: "balanceOf",
    stateMutability: "view",
    inputs: [{ name: "of", type: "address" }],
    outputs: [{ name: "", type: "uint256" }],
  },
  {
    type: "function",
    name: "mint",
    stateMutability: "nonpayable",
    inputs: [
      { name: "to", type: "address" },
      { name: "value", type: "uint256" },
    ],
    outputs: [],
  },
] as const;

export interface Chain {
  readonly rpcUrl: string;
  readonly publicClient: ReturnType<typeof createPublicClient>;
  /** A client that signs transactions with a funded account. */
  walletOf(account: PrivateKeyAccount): ReturnType<typeof createWalletClient>;
  readonly operator: PrivateKeyAccount;
  /** A new account that owns this much of the token, in atomic units. */
  payer(amount: bigint): Promise<PrivateKeyAccount>;
  mint(to: Hex, amount: bigint): Promise<void>;
  balanceOf(address: Hex): Promise<bigint>;
  stop(): Promise<void>;
}

export async function startChain(): Promise<Chain> {
  const [port] = await freePorts(1);
  const child = spawn(anvilPath(), ["--port", String(port), "--chain-id", String(CHAIN_ID), "--silent"], {
    stdio: "ignore",
  });
  // Also when something else did not start.
  process.once("exit", () => child.kill("SIGKILL"));
  const rpcUrl = `http://127.0.0.1:${port}`;
  const chain = defineChain({
    id: CHAIN_ID,
    name: "Loopback",
    nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
    rpcUrls: { default: { http: [rpcUrl] } },
  });
  const transport = http(rpcUrl, { retryCount: 0 });
  const publicClient = createPublicClient({ chain, transport, pollingInterval: 10, cacheTime: 0 });
  const testClient = createTestClient({ chain, transport, mode: "anvil" });
  await until(
    async () => (await publicClient.getChainId().catch(() => 0)) === CHAIN_ID,
    START_TIMEOUT_MS,
    () => "anvil did not start",
  );
  await testClient.setCode({ address: TOKEN, bytecode: compileToken() });
  const operator = privateKeyToAccount(generatePrivateKey());
  await testClient.setBalance({ address: operator.address, value: 10n ** 21n });
  const walletOf: Chain["walletOf"] = (account) => createWalletClient({ account, chain, transport });
  const wallet = createWalletClient({ account: operator, chain, transport });
  let minting: Promise<unknown> = Promise.resolve();
  const mint: Chain["mint"] = (to, amount) => {
    const minted = minting.then(async () => {
      const args = [to, amount] as const;
      const hash = await wallet.writeContract({ address: TOKEN, abi: TOKEN_ABI, functionName: "mint", args });
      await publicClient.waitForTransactionReceipt({ hash });
    });
    minting = minted.catch(() => undefined);
    return minted;
  };
  return {
    rpcUrl,
    publicClient,
    walletOf,
    operator,
    mint,
    async payer(amount) {
      const account = privateKeyToAccount(generatePrivateKey());
      await mint(account.address, amount);
      return account;
    },
    balanceOf: (address) =>
      publicClient.readContract({ address: TOKEN, abi: TOKEN_ABI, functionName: "balanceOf", args: [address] }),
    stop: () =>
      new Promise((done) => {
        child.once("exit", () => done());
        child.kill("SIGKILL");
      }),
  };
}

function anvilPath(): string {
  const require = createRequire(import.meta.url);
  const main = require.resolve("@foundry-rs/anvil/package.json");
  return createRequire(main).resolve(
    `@foundry-rs/anvil-linux-${process.arch === "arm64" ? "arm64" : "amd64"}/bin/anvil`,
  );
}

let compiled: Hex | null = null;

/** The code as it lies on the chain: nothing runs a constructor. */
function compileToken(): Hex {
  if (compiled !== null) return compiled;
  const require = createRequire(import.meta.url);
  const solc = require("solc") as { compile(input: string): string };
  const input = {
    language: "Solidity",
    sources: { "Token.sol": { content: TOKEN_SOURCE } },
    settings: { evmVersion: "paris", outputSelection: { "*": { "*": ["evm.deployedBytecode.object"] } } },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input))) as {
    contracts?: Record<string, Record<string, { evm: { deployedBytecode: { object: string } } }>>;
    errors?: readonly { formattedMessage: string }[];
  };
  const code = output.contracts?.["Token.sol"]?.["Token"]?.evm.deployedBytecode.object;
  if (code === undefined || code === "")
    throw new Error(`the token does not compile: ${output.errors?.[0]?.formattedMessage}`);
  compiled = `0x${code}`;
  return compiled;
}
