// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The words that vendors use for the state of a platform, as bits of `RootRules.acceptedTcbStatuses`.
library TcbStatus {
    bytes32 private constant UP_TO_DATE = keccak256("UpToDate");
    bytes32 private constant SW_HARDENING_NEEDED = keccak256("SWHardeningNeeded");
    bytes32 private constant CONFIGURATION_NEEDED = keccak256("ConfigurationNeeded");
    bytes32 private constant CONFIGURATION_AND_SW_HARDENING_NEEDED = keccak256("ConfigurationAndSWHardeningNeeded");
    bytes32 private constant OUT_OF_DATE = keccak256("OutOfDate");
    bytes32 private constant OUT_OF_DATE_CONFIGURATION_NEEDED = keccak256("OutOfDateConfigurationNeeded");
    bytes32 private constant TD_RELAUNCH_ADVISED = keccak256("TDRelaunchAdvised");
    bytes32 private constant TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED =
        keccak256("TDRelaunchAdvisedConfigurationNeeded");

    /// @dev The bits that exist; Revoked has none.
    uint16 internal constant ALL = 0xff;

    /// @dev Zero for a word that is unknown, Revoked included: no rule accepts it.
    function bitOf(bytes32 statusHash) internal pure returns (uint16) {
        if (statusHash == UP_TO_DATE) return 1 << 0;
        if (statusHash == SW_HARDENING_NEEDED) return 1 << 1;
        if (statusHash == CONFIGURATION_NEEDED) return 1 << 2;
        if (statusHash == CONFIGURATION_AND_SW_HARDENING_NEEDED) return 1 << 3;
        if (statusHash == OUT_OF_DATE) return 1 << 4;
        if (statusHash == OUT_OF_DATE_CONFIGURATION_NEEDED) return 1 << 5;
        if (statusHash == TD_RELAUNCH_ADVISED) return 1 << 6;
        if (statusHash == TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED) return 1 << 7;
        return 0;
    }

    function isUpToDate(string calldata status) internal pure returns (bool) {
        return keccak256(bytes(status)) == UP_TO_DATE;
    }
}
