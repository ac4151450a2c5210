use super::*;
use axum::{Router, middleware::from_fn_with_state, routing::get};
use serde_json::Value;

/// Serves a router behind the guard, on a port of its own.
async fn serve(limits: Limits) -> String {
    let router = Router::new()
        .route("/quick", get(|| async { "quick" }))
        .route("/slow", get(std::future::pending::<&'static str>))
        .layer(from_fn_with_state(limits, guard));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, router).await });
    url
}

fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

async fn problem(response: reqwest::Response) -> (u16, String) {
    let status = response.status().as_u16();
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert!(response.headers().contains_key("x-request-id"));
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["status"], status);
    (status, body["code"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn what_is_too_large_or_not_to_be_read_is_refused_in_words() {
    // [API-1]
    let (url, http) = (serve(Limits::default()).await, client());
    let quick = format!("{url}/quick");
    let good = http.get(&quick).send().await.unwrap();
    assert_eq!(good.status(), 200);
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("access-control-allow-origin", "*"),
        ("referrer-policy", "no-referrer"),
    ] {
        assert_eq!(good.headers()[name], value);
    }
    let refused = http.get(&quick).body("x").send().await.unwrap();
    assert_eq!(problem(refused).await, (413, "too_large".into()));
    let long = format!("{quick}?{}", "a".repeat(MAX_ADDRESS_BYTES));
    assert_eq!(problem(http.get(long).send().await.unwrap()).await, (413, "too_large".into()));
    let refused = http.post(&quick).body("x").send().await.unwrap();
    assert_eq!(refused.headers()["allow"], "GET,HEAD");
    assert_eq!(problem(refused).await, (405, "method_not_allowed".into()));
}

#[tokio::test]
async fn what_takes_too_long_is_given_up_and_what_is_too_much_is_refused() {
    // [API-1]
    let limits =
        Limits { requests: Arc::new(Semaphore::new(1)), timeout: Duration::from_millis(300) };
    let (url, http) = (serve(limits).await, client());
    let slow = tokio::spawn(http.get(format!("{url}/slow")).send());
    let quick = || http.get(format!("{url}/quick")).send();
    // Until the slow one has taken the only place.
    let busy = loop {
        let response = quick().await.unwrap();
        if response.status() != 200 {
            break response;
        }
    };
    assert_eq!(busy.headers()["retry-after"], "1");
    assert_eq!(problem(busy).await, (503, "busy".into()));
    assert_eq!(problem(slow.await.unwrap().unwrap()).await, (504, "timeout".into()));
    assert_eq!(quick().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_request_keeps_its_id_unless_it_is_none() {
    let (url, http) = (serve(Limits::default()).await, client());
    let ask = async |id: &str| {
        let request = http.get(format!("{url}/quick")).header("x-request-id", id);
        request.send().await.unwrap().headers()["x-request-id"].to_str().unwrap().to_owned()
    };
    assert_eq!(ask("abc-1").await, "abc-1");
    for unfit in ["a b", "", &"a".repeat(MAX_ID_BYTES + 1)] {
        assert_ne!(ask(unfit).await, unfit);
    }
}
