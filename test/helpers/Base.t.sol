// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {TestBase} from "forge-std/Base.sol";
import {StdAssertions} from "forge-std/StdAssertions.sol";
import {StdCheats} from "forge-std/StdCheats.sol";
import {StdInvariant} from "forge-std/StdInvariant.sol";
import {StdUtils} from "forge-std/StdUtils.sol";

/// @notice What forge-std's `Test` gives, without the console, JSON and TOML helpers that slow the build.
abstract contract BaseTest is TestBase, StdAssertions, StdCheats, StdInvariant, StdUtils {
    // solhint-disable-next-line func-name-mixedcase, var-name-mixedcase
    bool public IS_TEST = true;
}
