/** The little that is asked of contracts that are not ours. */
import { Interface } from "ethers";

/** The predeploy of OP chains that says what a transaction's data costs on the chain below. Arbitrum has it in its gas estimate. */
export const gasPriceOracleAbi = new Interface(["function getL1Fee(bytes data) view returns (uint256)"]);

/** Pyth: {wei} what it takes for updates. */
export const pythAbi = new Interface(["function getUpdateFee(bytes[] updates) view returns (uint256)"]);
