// One contract, its two events, from an endpoint that its environment names; nothing is taken from a cache.
import { createConfig } from "ponder";
import { parseAbi } from "viem";

const { PEER_RPC, PEER_CONTRACT, PEER_CHAIN, PEER_END, PEER_DATABASE } = process.env;

export default createConfig({
  database: { kind: "postgres", connectionString: PEER_DATABASE },
  chains: {
    local: { id: Number(PEER_CHAIN), rpc: PEER_RPC, disableCache: true, pollingInterval: 500 },
  },
  contracts: {
    Policy: {
      chain: "local",
      abi: parseAbi([
        "event ComposeHashApproved(address indexed appId, bytes32 indexed composeHash, uint64 effectiveAt, string uri, uint64 seq)",
        "event ComposeHashAdded(bytes32 composeHash)",
      ]),
      address: PEER_CONTRACT as `0x${string}`,
      startBlock: 0,
      endBlock: Number(PEER_END),
    },
  },
});
