// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {LibBit} from "solady/src/utils/LibBit.sol";
import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {Ledger} from "./LedgerLib.sol";
import {MathLib} from "./MathLib.sol";

/// @title DeficitLib
/// @notice Deficits of markets and of the engine itself, and their sum {u}. docs/mechanism.md, "Deficit, haircut, claims".
library DeficitLib {
    using SafeCast for uint256;

    function raise(Ledger storage ledger, uint8 m, uint256 amount) internal {
        ledger.deficits[m] += amount;
        ledger.deficitMarkets |= uint72(1) << m;
        ledger.hasDeficit = true;
        ledger.totalDeficit += amount.toUint128();
    }

    /// @param amount {u} at most the market's deficit
    function lower(Ledger storage ledger, uint8 m, uint256 amount) internal {
        uint256 left = ledger.deficits[m] - amount;
        ledger.deficits[m] = left;
        if (left == 0) {
            ledger.deficitMarkets &= ~(uint72(1) << m);
            ledger.hasDeficit = ledger.deficitMarkets != 0;
        }
        ledger.totalDeficit -= amount.toUint128();
        emit IMarginEngine.DeficitReduced(m, amount, left);
    }

    /// @notice Lowers the deficits by `amount` in all, lowest market first. At most 65 steps.
    /// @param amount {u} at most the sum
    function lowerAll(Ledger storage ledger, uint256 amount) internal {
        while (amount != 0) {
            uint8 m = uint8(LibBit.ffs(ledger.deficitMarkets));
            uint256 part = MathLib.min(amount, ledger.deficits[m]);
            lower(ledger, m, part);
            amount -= part;
        }
    }
}
