use super::*;
use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use std::sync::Arc;
use tokio::net::TcpListener;

type Served = Arc<BTreeMap<B256, Vec<u8>>>;

/// A node that serves what it has.
async fn node(served: BTreeMap<B256, Vec<u8>>) -> String {
    let answer = async |State(served): State<Served>, Path(hash): Path<B256>| {
        served.get(&hash).cloned().ok_or(StatusCode::NOT_FOUND)
    };
    let router =
        Router::new().route("/v1/evidence/{hash}", get(answer)).with_state(Arc::new(served));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
    url
}

/// A node that takes every call and never says a word.
async fn silent() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((socket, _)) = listener.accept().await {
            held.push(socket);
        }
    });
    url
}

/// Where nobody listens.
async fn gone() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn nodes() -> Nodes {
    // A second call finds it installed already, which is what we want.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Nodes::new().unwrap()
}

#[tokio::test]
async fn a_silent_node_holds_up_nothing_that_another_serves() {
    // [BUN-16] Five nodes; each of three has a third of the evidence.
    let all: Vec<Vec<u8>> = (0u8..20).map(|at| vec![at; 1_000]).collect();
    let mut urls = vec![silent().await, gone().await];
    for third in 0..3 {
        let own = all.iter().skip(third).step_by(3);
        urls.push(node(own.map(|bytes| (keccak256(bytes), bytes.clone())).collect()).await);
    }
    let (mut nodes, begun) = (nodes(), Instant::now());
    for bytes in &all {
        let found = nodes.fetch(urls.clone(), keccak256(bytes)).await.unwrap();
        assert_eq!(found.to_vec(), *bytes);
    }
    // Each waits for a head start at most.
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn who_took_too_long_is_left_alone_for_a_while() {
    // [BUN-16]
    let urls = vec![silent().await, node(BTreeMap::new()).await];
    let (mut nodes, begun) = (nodes(), Instant::now());
    assert!(nodes.fetch(urls.clone(), B256::ZERO).await.is_err());
    assert!(begun.elapsed() >= PATIENCE);
    assert_eq!(nodes.resting.keys().collect::<Vec<_>>(), [&urls[0]]);
    let begun = Instant::now();
    for _ in 0..20 {
        assert!(nodes.fetch(urls.clone(), B256::ZERO).await.is_err());
    }
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn other_bytes_are_no_evidence() {
    // [BUN-16]
    let (mut nodes, hash) = (nodes(), keccak256(b"evidence"));
    let liar = node(BTreeMap::from([(hash, b"other".to_vec())])).await;
    assert!(nodes.fetch(vec![liar.clone()], hash).await.is_err());
    let honest = node(BTreeMap::from([(hash, b"evidence".to_vec())])).await;
    assert_eq!(nodes.fetch(vec![liar, honest.clone()], hash).await.unwrap().to_vec(), b"evidence");
    assert_eq!(nodes.last, Some(honest));
}
