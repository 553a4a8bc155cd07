// SPDX-License-Identifier: MIT
// solhint-disable one-contract-per-file
pragma solidity 0.8.35;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {MockToken} from "./MockToken.sol";

/// @notice Burns a share of every transfer, so that the receiver gets less than was sent.
contract FeeToken is MockToken {
    uint256 public immutable feeBps; // {bps}

    constructor(uint8 decimals_, uint256 feeBps_) MockToken("FEE", decimals_) {
        feeBps = feeBps_;
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (from != address(0) && to != address(0)) super._update(to, address(0), (amount * feeBps) / 10_000); // down
    }
}

/// @notice Answers `transfer`, `transferFrom` and `approve` with no data at all, as USDT does.
contract NoReturnToken {
    uint8 public immutable decimals;
    uint256 public totalSupply;
    mapping(address account => uint256 balance) public balanceOf;
    mapping(address owner => mapping(address spender => uint256 amount)) public allowance;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    error AllowanceNotZero(uint256 allowance);

    constructor(uint8 decimals_) {
        decimals = decimals_;
    }

    function mint(address to, uint256 amount) external {
        totalSupply += amount;
        balanceOf[to] += amount;
        emit Transfer(address(0), to, amount);
    }

    /// @notice As USDT: a standing allowance must be set to zero before it can be changed.
    function approve(address spender, uint256 amount) external {
        uint256 current = allowance[msg.sender][spender];
        require(amount == 0 || current == 0, AllowanceNotZero(current));
        allowance[msg.sender][spender] = amount;
        emit Approval(msg.sender, spender, amount);
    }

    function transfer(address to, uint256 amount) external {
        _move(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external {
        allowance[from][msg.sender] -= amount;
        _move(from, to, amount);
    }

    function _move(address from, address to, uint256 amount) private {
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
        emit Transfer(from, to, amount);
    }
}

/// @notice Returns false instead of reverting, and moves nothing, while `failing` is set.
contract FalseToken is MockToken {
    bool public failing;

    constructor(uint8 decimals_) MockToken("FALSE", decimals_) {}

    function setFailing(bool failing_) external {
        failing = failing_;
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        return !failing && super.transfer(to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        return !failing && super.transferFrom(from, to, amount);
    }
}

/// @notice Calls out in the middle of a transfer, as an ERC-777 hook lets a receiver or sender do.
/// @dev The hook is used up by the first transfer after `arm`. What it calls sees this token as `msg.sender`, so give the
/// token stake, shares or operator rights where the attack needs them. A call that fails is recorded, not passed on.
contract HookToken is MockToken {
    address public callee;
    bytes public payload;
    /// @notice Transfers that called out, whether the last of these calls succeeded, and what it returned.
    uint256 public calls;
    bool public succeeded;
    bytes public result;

    constructor(uint8 decimals_) MockToken("HOOK", decimals_) {}

    function arm(address target_, bytes calldata payload_) external {
        (callee, payload) = (target_, payload_);
    }

    /// @notice Calls out as the token itself, to prepare an attack; reverts are passed on.
    function execute(address target_, bytes calldata data) external returns (bytes memory) {
        return Address.functionCall(target_, data);
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);

        address armed = callee;
        if (armed == address(0) || from == address(0)) return;
        delete callee; // first: the call below may transfer again
        ++calls;
        // solhint-disable-next-line avoid-low-level-calls
        (succeeded, result) = armed.call(payload);
    }
}

/// @notice Refuses transfers from and to blocked addresses, as USDC does.
contract BlocklistToken is MockToken {
    mapping(address account => bool isBlocked) public blocked;

    error Blocked(address account);

    constructor(uint8 decimals_) MockToken("BLOCK", decimals_) {}

    function setBlocked(address account, bool blocked_) external {
        blocked[account] = blocked_;
    }

    function _update(address from, address to, uint256 amount) internal override {
        require(!blocked[from], Blocked(from));
        require(!blocked[to], Blocked(to));
        super._update(from, to, amount);
    }
}
