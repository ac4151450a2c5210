//! Contract bindings, from the committed artefacts (`contracts/artifacts`) and nothing else: types for calls, answers,
//! events and errors, and the creation code. Pure types; whoever has a provider does the calling.
//! Trusts: nothing.  Prevents: a compiler at `cargo build`, and an ABI change that is not a diff.
//!
//! Each ABI carries its own copy of the structs that contracts share: what `record` takes is `IssuanceLog::Issuance`.

#![allow(missing_docs, reason = "generated: the documentation is on the Solidity interfaces")]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

macro_rules! bindings {
    ($($(#[$doc:meta])* $module:ident: $contract:ident, $artefact:literal;)*) => {$(
        $(#[$doc])*
        pub mod $module {
            #![allow(clippy::too_many_arguments, clippy::pub_underscore_fields, reason = "generated")]
            alloy_sol_types::sol!(
                #[sol(all_derives)]
                $contract,
                $artefact
            );
        }
        pub use $module::$contract;
    )*};
}

bindings! {
    /// OpenZeppelin's AccessManager: who may call what, after which delay.
    access_manager: AccessManager, "../../contracts/artifacts/AccessManager.json";
    /// A policy whose members must all allow.
    all_of_policy: AllOfPolicy, "../../contracts/artifacts/AllOfPolicy.json";
    /// An app's own list, one clone per app.
    allowlist_policy: AllowlistPolicy, "../../contracts/artifacts/AllowlistPolicy.json";
    /// Facts about apps, and `isAllowed`.
    app_registry: AppRegistry, "../../contracts/artifacts/AppRegistry.json";
    /// Facts about attestation roots and OS images.
    attestation_registry: AttestationRegistry, "../../contracts/artifacts/AttestationRegistry.json";
    /// `record`, and the slot `recorded[id]`.
    issuance_log: IssuanceLog, "../../contracts/artifacts/IssuanceLog.json";
    /// Seats, the ceremony, epochs, and the contracts in force.
    kms_committee: KmsCommittee, "../../contracts/artifacts/KmsCommittee.json";
    /// A licence beside another policy: until a date, or while a token is held.
    license_policy: LicensePolicy, "../../contracts/artifacts/LicensePolicy.json";
    /// Makes the policies that are no clones, for the registry that asks.
    policy_factory: PolicyFactory, "../../contracts/artifacts/PolicyFactory.json";
    /// OpenZeppelin's Governor, put together for votes that change keys.
    quorate_governor: QuorateGovernor, "../../contracts/artifacts/QuorateGovernor.json";
    /// A votes token for a DAO that has none.
    votes_token: VotesToken, "../../contracts/artifacts/VotesToken.json";
}
