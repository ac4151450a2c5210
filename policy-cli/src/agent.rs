//! The block `quorate` of an app's app-compose.json: whom its agent asks for keys. The enclave pins what stands here, so a
//! compose file for another network or keyset would never get a key; it is refused before anybody approves its hash.

use crate::{chain::Chain, exit::Exit, failure::Failure, output::Output};
use abi::KmsCommittee;
use alloy::primitives::Address;
use clap::ValueEnum;
use wire::ReleaseAt;
use wire::network::{MeasuredAgent, network_hash};

/// When nodes may release, as a word of the command line.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum ReleaseChoice {
    Head,
    Finalized,
}

/// Why a compose file does not fit this network, or there is nothing to fit.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AgentError {
    #[error("the committee has no keyset yet")]
    NoKeyset,
    #[error("the compose file's quorate.{field} is {actual}, here it is {expected}")]
    Mismatch { field: &'static str, expected: String, actual: String },
}

impl AgentError {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::NoKeyset => Exit::NotFound,
            Self::Mismatch { .. } => Exit::Denied,
        }
    }

    pub(crate) fn hints(&self) -> Vec<String> {
        match self {
            Self::NoKeyset => vec!["quorate status shows the running ceremony".into()],
            Self::Mismatch { .. } => {
                vec![
                    "quorate compose --app-id ID … makes the file with this network's block".into(),
                ]
            }
        }
    }
}

/// The block for an app of this network.
pub(crate) async fn block(
    chain: &Chain,
    app_id: Address,
    release: ReleaseChoice,
) -> Result<MeasuredAgent, Failure> {
    let committee = chain.contracts.kms_committee;
    let keyset = chain.view("KmsCommittee", committee, &KmsCommittee::keysetCall {}).await?;
    if keyset.keysetId.is_zero() {
        return Err(AgentError::NoKeyset.into());
    }
    Ok(MeasuredAgent {
        app_id: Some(app_id),
        network_hash: network_hash(chain.network.chain.id, chain.genesis_hash, committee),
        keyset_id: keyset.keysetId,
        derive_public_key: keyset.derivePublicKey,
        unseal_public_key: keyset.unsealPublicKey,
        release_at: match release {
            ReleaseChoice::Head => ReleaseAt::Head,
            ReleaseChoice::Finalized => ReleaseAt::Finalized,
        },
    })
}

/// Refuses a compose file whose block is not for this app on this network. One without a block is only warned about: its
/// code may ask for keys in a way of its own.
pub(crate) fn judge(
    compose: &[u8],
    here: &MeasuredAgent,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let Ok(there) = MeasuredAgent::from_compose(compose) else {
        output.warn("the compose file has no block `quorate` for an agent: nothing in it names this network")?;
        return Ok(());
    };
    let same = |field, expected: String, actual: String| {
        if expected == actual {
            Ok(())
        } else {
            Err(AgentError::Mismatch { field, expected, actual })
        }
    };
    same("network_hash", here.network_hash.to_string(), there.network_hash.to_string())?;
    same("keyset_id", here.keyset_id.to_string(), there.keyset_id.to_string())?;
    same(
        "derive_public_key",
        here.derive_public_key.to_string(),
        there.derive_public_key.to_string(),
    )?;
    same(
        "unseal_public_key",
        here.unseal_public_key.to_string(),
        there.unseal_public_key.to_string(),
    )?;
    if let (Some(expected), Some(actual)) = (here.app_id, there.app_id) {
        same("app_id", expected.to_string(), actual.to_string())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::{NewCompose, QuorateBlock, app_compose};

    fn here() -> MeasuredAgent {
        MeasuredAgent {
            app_id: Some([0x11; 20].into()),
            network_hash: [0x22; 32].into(),
            keyset_id: [0x33; 32].into(),
            derive_public_key: vec![2; 33].into(),
            unseal_public_key: vec![3; 33].into(),
            release_at: ReleaseAt::Head,
        }
    }

    fn judged(there: Option<&MeasuredAgent>) -> (Result<(), Failure>, String) {
        let compose = app_compose(&NewCompose {
            name: "hello",
            docker_compose_file: "services:\n  web:\n    image: nginx\n",
            local_key_provider: false,
            quorate: there.map(QuorateBlock::Agent),
        });
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let streams =
            crate::Streams { out: &mut out, err: &mut err, err_is_terminal: false, can_ask: false };
        let global = crate::cli::Global::default();
        let mut output = Output::new(&global, streams);
        let verdict = judge(&compose.unwrap(), &here(), &mut output);
        (verdict, String::from_utf8(err).unwrap())
    }

    fn field_refused(change: impl FnOnce(&mut MeasuredAgent)) -> &'static str {
        let mut there = here();
        change(&mut there);
        match judged(Some(&there)).0 {
            Err(Failure::Agent(AgentError::Mismatch { field, .. })) => field,
            other => panic!("not refused by field: {other:?}"),
        }
    }

    #[test]
    fn a_compose_file_of_this_network_passes_and_any_other_is_refused_by_field() {
        let (verdict, talk) = judged(Some(&here()));
        assert!(verdict.is_ok() && talk.is_empty());
        assert_eq!(field_refused(|there| there.network_hash.0[0] ^= 1), "network_hash");
        assert_eq!(field_refused(|there| there.keyset_id.0[31] ^= 1), "keyset_id");
        assert_eq!(
            field_refused(|there| there.derive_public_key = vec![3; 33].into()),
            "derive_public_key"
        );
        assert_eq!(
            field_refused(|there| there.unseal_public_key = vec![2; 33].into()),
            "unseal_public_key"
        );
        // A28: the block is where a compose-derived app-id finds its app.
        assert_eq!(field_refused(|there| there.app_id = Some([0x12; 20].into())), "app_id");
    }

    #[test]
    fn when_nodes_release_is_the_apps_own_choice() {
        let mut there = here();
        there.release_at = ReleaseAt::Finalized;
        assert!(judged(Some(&there)).0.is_ok());
    }

    #[test]
    fn a_compose_file_without_a_block_is_warned_about() {
        let (verdict, talk) = judged(None);
        assert!(verdict.is_ok());
        assert!(talk.starts_with("warning: the compose file has no block"));
    }
}
