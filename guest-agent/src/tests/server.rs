//! Five nodes' HTTP API over the in-memory committee. They judge neither evidence nor policy; that is kms-node's.

use super::support::{LOG, Network, Node};
use alloy_primitives::B256;
use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};
use wire::{
    SeatId,
    request::{Code, KeyRequest, Problem, RecordReply, RecordRequest, SignedDenial},
};

/// How one node behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    Honest,
    /// Nothing listens.
    Dead,
    Denies,
    DeniesUnsigned,
    /// Answers with shares of another ceremony, under its own signature.
    LiesInPartials,
    /// Pays for nobody.
    Refuses,
    /// Authorizes after the others.
    Slow,
    /// Names a block that nobody has as its head.
    NamesNoBlock,
    /// Is a block behind the others, and denies there, at first.
    Behind,
}

tokio::task_local! {
    /// A seat whose signature relays refuse, as if the chain knew another signer for it.
    pub(crate) static REFUSED_SEAT: SeatId;
}

pub(crate) struct Servers {
    pub(crate) urls: Vec<String>,
    recorded: Arc<AtomicBool>,
}

struct One {
    network: Arc<Network>,
    other: Arc<Network>,
    at: usize,
    behaviour: Behaviour,
    recorded: Arc<AtomicBool>,
    refused_seat: Option<SeatId>,
    asked: AtomicUsize,
}

impl Servers {
    pub(crate) async fn start(network: Network, behaviours: [Behaviour; 5]) -> Self {
        let (network, other) = (Arc::new(network), Arc::new(Network::new()));
        let recorded = Arc::new(AtomicBool::new(false));
        let refused_seat = REFUSED_SEAT.try_with(|seat| *seat).ok();
        let mut urls = Vec::new();
        for (at, behaviour) in behaviours.into_iter().enumerate() {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            urls.push(format!("http://{}", listener.local_addr().unwrap()));
            if behaviour == Behaviour::Dead {
                continue; // the port closes again
            }
            let one = One {
                network: network.clone(),
                other: other.clone(),
                at,
                behaviour,
                recorded: recorded.clone(),
                refused_seat,
                asked: AtomicUsize::new(0),
            };
            tokio::spawn(async move { axum::serve(listener, router(one)).await });
        }
        Self { urls, recorded }
    }

    pub(crate) fn record(&self) {
        self.recorded.store(true, Ordering::Relaxed);
    }
}

fn router(one: One) -> Router {
    Router::new()
        .route("/v1/info", get(info))
        .route("/v1/authorize", post(authorize))
        .route("/v1/record", post(record))
        .route("/v1/release", post(release))
        .with_state(Arc::new(one))
}

impl One {
    fn node(&self) -> &Node {
        &self.network.nodes[self.at]
    }
}

async fn info(State(one): State<Arc<One>>) -> Response {
    let mut info = one.network.info(one.node());
    let head = info.head.as_mut().unwrap();
    match one.behaviour {
        Behaviour::NamesNoBlock => (head.number, head.hash) = (1, B256::repeat_byte(1)),
        Behaviour::Behind => (head.number, head.hash) = (99, B256::repeat_byte(0xba)),
        _ => {}
    }
    Json(info).into_response()
}

async fn authorize(State(one): State<Arc<One>>, Json(request): Json<KeyRequest>) -> Response {
    if one.behaviour == Behaviour::Slow {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
    if request.anchor.number == 1 {
        return problem(Code::AnchorInvalid, None);
    }
    match one.behaviour {
        Behaviour::Behind if one.asked.fetch_add(1, Ordering::Relaxed) < 3 => {
            denied(one.node().deny_at(99, &request, "App not registered")).into_response()
        }
        Behaviour::Denies => {
            denied(one.node().deny(&request, "compose hash not allowed")).into_response()
        }
        Behaviour::DeniesUnsigned => {
            let mut denial = one.node().deny(&request, "compose hash not allowed");
            denial.statement.reason = "a relay's invention".into();
            denied(denial)
        }
        _ => Json(one.node().authorize(&request)).into_response(),
    }
}

async fn record(State(one): State<Arc<One>>, Json(request): Json<RecordRequest>) -> Response {
    if request.signatures.iter().any(|signature| Some(signature.seat) == one.refused_seat) {
        return problem(Code::Reverted, None);
    }
    if one.behaviour == Behaviour::Refuses {
        return Json(RecordReply::Calldata { to: LOG, data: vec![1, 2, 3].into() }).into_response();
    }
    one.recorded.store(true, Ordering::Relaxed);
    Json(RecordReply::Sent { transaction: Default::default() }).into_response()
}

async fn release(State(one): State<Arc<One>>, Json(request): Json<KeyRequest>) -> Response {
    if !one.recorded.load(Ordering::Relaxed) {
        return problem(Code::NotRecorded, None);
    }
    let shares = match one.behaviour {
        Behaviour::LiesInPartials => &one.other.nodes[one.at].shares,
        _ => &one.node().shares,
    };
    Json(one.node().release_with(&request, shares)).into_response()
}

fn denied(denial: SignedDenial) -> Response {
    problem(Code::Denied, Some(denial))
}

fn problem(code: Code, denied: Option<SignedDenial>) -> Response {
    let problem = Problem {
        kind: "https://quorate.invalid/problems/test".into(),
        title: "test".into(),
        status: 409,
        detail: "test".into(),
        code,
        denied,
    };
    (StatusCode::CONFLICT, Json(problem)).into_response()
}
