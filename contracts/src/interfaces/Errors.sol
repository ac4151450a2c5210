// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

// Errors that mean the same in more than one contract: same name, same selector, so that any revert decodes.

/// @notice The caller may not do this.
error Unauthorized(address caller);
/// @notice A value that must not be zero is zero.
error ZeroValue();
/// @notice There is nothing to remove, cancel or close: it was not there, or it has no effect.
error NothingToRevoke();
/// @notice The state already is what the call asks for.
error AlreadySet();
/// @notice No app is registered under this id.
error AppNotRegistered(address appId);
