/** Keys of the accounts that every local node unlocks. */
import { HDNodeWallet, Mnemonic } from "ethers";

const PHRASE = Mnemonic.fromPhrase("test test test test test test test test test test test junk");

export const keyOf = (index: number): string => HDNodeWallet.fromMnemonic(PHRASE, `m/44'/60'/0'/0/${index}`).privateKey;
