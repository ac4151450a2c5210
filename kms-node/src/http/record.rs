//! `POST /v1/record`: the optional relay. Pays for listed apps up to a daily number each; else it returns the call. (A17)

use super::{Json, Refused};
use crate::{
    adapters::sender::SendError,
    config::RelayConfig,
    metrics::Metrics,
    node::{Node, describe},
};
use abi::IssuanceLog;
use alloy::primitives::{Address, Bytes};
use alloy::sol_types::{SolCall, SolValue};
use axum::extract::State;
use kms_core::JudgeError;
use std::sync::Arc;
use wire::{
    limits::{MAX_INPUTS, MAX_SEATS},
    request::{Code, RecordReply, RecordRequest},
};

const SECONDS_A_DAY: u64 = 86_400;

pub(crate) async fn record(
    State(node): State<Arc<Node>>,
    Json(request): Json<RecordRequest>,
) -> Result<axum::Json<RecordReply>, Refused> {
    if request.signatures.len() > MAX_SEATS || request.issuance.inputs.len() > MAX_INPUTS {
        return Err(Refused::new(Code::TooLarge, "more signatures or inputs than an issuance has"));
    }
    let snapshot = node.fresh()?;
    let log = node
        .chain
        .run(&snapshot, |chain| Ok::<_, JudgeError>(node.network.issuance_log(chain.head())?));
    let log = log.await??;
    let app = request.issuance.attested.boot.appId;
    let data = calldata(&request)?;
    let day = snapshot.lock().time().0 / SECONDS_A_DAY;
    let (Some(sender), Some(relay)) = (&node.sender, &node.config.relay) else {
        return Ok(axum::Json(RecordReply::Calldata { to: log, data }));
    };
    if !pays_for(&node, relay, app, day).await? {
        return Ok(axum::Json(RecordReply::Calldata { to: log, data }));
    }
    match sender.send(log, data).await {
        Ok(transaction) => {
            Metrics::add(&node.metrics.relayed);
            Ok(axum::Json(RecordReply::Sent { transaction }))
        }
        Err(error @ (SendError::Reverts { .. } | SendError::Busy)) => {
            let uncounted = node.store.uncount_relayed(app, day).await;
            uncounted.map_err(Refused::internal)?;
            let code =
                if matches!(error, SendError::Busy) { Code::NotRecorded } else { Code::Reverted };
            Err(Refused::new(code, describe(&error)))
        }
        Err(error @ SendError::Reverted(_)) => Err(Refused::new(Code::Reverted, describe(&error))),
        Err(cause) => Err(Refused::internal(cause)),
    }
}

async fn pays_for(
    node: &Node,
    relay: &RelayConfig,
    app: Address,
    day: u64,
) -> Result<bool, Refused> {
    if !relay.apps.is_empty() && !relay.apps.contains(&app) {
        return Ok(false);
    }
    let counted = node.store.count_relayed(app, day, relay.daily_records_per_app).await;
    counted.map_err(Refused::internal)
}

/// `record([issuance], [signatures])`. The structs are `wire`'s; `abi`'s have the same fields in the same order.
fn calldata(request: &RecordRequest) -> Result<Bytes, Refused> {
    let issuance = IssuanceLog::Issuance::abi_decode(&request.issuance.abi_encode());
    let issuance = issuance.map_err(Refused::internal)?;
    let signatures = request.signatures.iter().map(|signature| IssuanceLog::SeatSignature {
        seat: signature.seat,
        r: signature.r,
        vs: signature.vs,
    });
    let call = IssuanceLog::recordCall {
        issuances: vec![issuance],
        signatures: vec![signatures.collect()],
    };
    Ok(call.abi_encode().into())
}
