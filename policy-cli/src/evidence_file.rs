//! An enclave's evidence in a file, judged as a node would judge it at the proven block.
//! Spec: docs/spec/evidence.md. The file is enc("quorate/v1/evidence", quote, event log, collateral), as nodes keep it.

use crate::{failure::Failure, file, proven::Proven, simulate::SimulateError};
use abi::AttestationRegistry;
use alloy::primitives::B256;
use evidence::{Platform, RawEvidence, RootRules, TcbStatuses, VerifiedIdentity};
use std::path::{Path, PathBuf};
use wire::{UnixSeconds, request::EvidenceBytes};

/// A file, and who it proves.
pub(crate) struct Judged {
    pub(crate) file: String,
    pub(crate) identity: VerifiedIdentity,
}

pub(crate) async fn judge_all(
    proven: &mut Proven,
    files: Vec<PathBuf>,
) -> Result<Vec<Judged>, Failure> {
    let mut judged = Vec::new();
    for path in files {
        judged.push(judge(proven, &path).await?);
    }
    Ok(judged)
}

async fn judge(proven: &mut Proven, path: &Path) -> Result<Judged, Failure> {
    let refused = |cause: String| SimulateError::Evidence { path: path.into(), cause };
    let bytes = file::read(path)?;
    let bytes = EvidenceBytes::decode(&bytes).map_err(|error| refused(error.to_string()))?;
    let raw = RawEvidence::new(bytes).map_err(|error| refused(error.to_string()))?;
    let root = raw.claimed_root().map_err(|error| refused(error.to_string()))?;
    let rules = root_rules(proven, root.hash()).await?;
    let now = UnixSeconds(proven.chain.head.time);
    let quote = raw.verify(&root, &rules, now).map_err(|error| refused(error.to_string()))?;
    let identity = quote.replay().map_err(|error| refused(error.to_string()))?;
    Ok(Judged { file: path.display().to_string(), identity })
}

async fn root_rules(proven: &mut Proven, root: B256) -> Result<RootRules, Failure> {
    let registry = proven.chain.contracts.attestation_registry;
    let found = proven.read(registry, &AttestationRegistry::rootPolicyCall { root }).await?;
    let allows_software =
        proven.read(registry, &AttestationRegistry::allowsSoftwareCall {}).await?;
    // The registry has eight statuses; Revoked has no bit.
    let [_, accepted] = found.rules.acceptedTcbStatuses.to_be_bytes();
    Ok(RootRules {
        open: found.isOpen,
        platform: match found.platform {
            2 => Platform::SevSnp,
            3 => Platform::Nitro,
            _ => Platform::Dcap,
        },
        vendor: found.vendor,
        allows_software,
        least_tcb_evaluation_data_number: found.rules.leastTcbEvaluationDataNumber,
        least_crl_issue: UnixSeconds(found.rules.leastCrlIssuedAt),
        least_root_crl_issue: UnixSeconds(found.rules.leastRootCrlIssuedAt),
        max_collateral_age_seconds: u64::from(found.rules.maxCollateralAgeSeconds),
        accepted_statuses: TcbStatuses::from_bits(accepted),
        denied_advisories: found.deniedAdvisoryIds,
    })
}
