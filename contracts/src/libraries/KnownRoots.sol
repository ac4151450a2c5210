// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The attestation roots that this code knows, so that no label on chain can make software look like hardware (A22).
/// @dev Any root that is not here is software. AMD's and AWS's roots enter together with captured samples of their evidence.
library KnownRoots {
    /// @dev sha256 of the DER of "Intel SGX Root CA", valid to 2049-12-31.
    bytes32 internal constant INTEL_SGX_ROOT_CA = 0x44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3;

    bytes32 internal constant INTEL = "intel";
    bytes32 internal constant AMD = "amd";
    bytes32 internal constant AWS = "aws";

    uint8 internal constant PLATFORM_TDX_SGX = 1;
    uint8 internal constant PLATFORM_SEV_SNP = 2;
    uint8 internal constant PLATFORM_NITRO = 3;

    /// @dev Vendor zero: software.
    function vendorOf(bytes32 root) internal pure returns (bytes32 vendor, uint8 platform) {
        if (root == INTEL_SGX_ROOT_CA) return (INTEL, PLATFORM_TDX_SGX);
        return (0, 0);
    }

    /// @dev The labels of hardware vendors, which no software root may carry.
    function isReserved(bytes32 vendor) internal pure returns (bool) {
        return vendor == INTEL || vendor == AMD || vendor == AWS;
    }
}
