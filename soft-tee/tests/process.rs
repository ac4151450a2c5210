//! The process through its two interfaces, as a dstack client and a PCCS client see it, judged by a DCAP verifier.

use dcap_qvl::{QuoteCollateralV3, QuotePolicy, configs::RingConfig, verify::QuoteVerifier};
use serde_json::{Value, json};
use sha2::{Digest, Sha256, Sha384};
use soft_tee::{Config, Ready, SoftTee, run};
use std::{
    collections::HashMap,
    path::Path,
    process::Command,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UnixStream},
};

const COMPOSE: &[u8] = br#"{"manifest_version":2,"name":"demo"}"#;

fn config(folder: &Path, machine_id: &str) -> Config {
    Config {
        seed: [1; 32],
        authority_label: "soft-a".to_owned(),
        machine_id: machine_id.to_owned(),
        compose: COMPOSE.to_vec(),
        app_id: Some([0xa1; 20]),
        os_image: [2; 32],
        socket: folder.join(format!("{machine_id}.sock")),
        pccs_listen: ([127, 0, 0, 1], 0).into(),
        ready_file: None,
        collateral_issued: None,
    }
}

async fn started(folder: &Path, machine_id: &str) -> SoftTee {
    run(config(folder, machine_id)).await.unwrap()
}

/// A response: status, headers by lower-case name, body by its Content-Length.
struct Response {
    status: u16,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: String) -> Response {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap()[9..12].parse().unwrap();
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let body = bytes[end + 4..].to_vec();
    assert_eq!(headers["content-length"], body.len().to_string(), "clients read no chunks");
    Response { status, headers, body }
}

async fn post(socket: &Path, path: &str, body: Value) -> (u16, Value) {
    let body = body.to_string();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let response = exchange(UnixStream::connect(socket).await.unwrap(), request).await;
    (response.status, serde_json::from_slice(&response.body).unwrap())
}

async fn get(ready: &Ready, path: &str) -> Response {
    let address = ready.pccs_url.strip_prefix("http://").unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    exchange(TcpStream::connect(address).await.unwrap(), request).await
}

/// Collateral by the calls, header names and decodings of dcap-qvl's own client for a PCCS, which parses the signed
/// documents and prints them again.
async fn collateral(ready: &Ready, fmspc: &str) -> QuoteCollateralV3 {
    let chain = |response: &Response, name: &str| percent_decoded(&response.headers[name]);
    let pck_crl = get(ready, "/sgx/certification/v4/pckcrl?ca=platform&encoding=der").await;
    let tcb = get(ready, &format!("/tdx/certification/v4/tcb?fmspc={fmspc}&update=standard")).await;
    let qe = get(ready, "/tdx/certification/v4/qe/identity?update=standard").await;
    let root_crl = get(ready, "/sgx/certification/v4/rootcacrl").await;
    let signed = |response: &Response, name: &str| {
        let body: Value = serde_json::from_slice(&response.body).unwrap();
        let signature = hex::decode(body["signature"].as_str().unwrap()).unwrap();
        (body[name].to_string(), signature)
    };
    let (tcb_info, tcb_info_signature) = signed(&tcb, "tcbInfo");
    let (qe_identity, qe_identity_signature) = signed(&qe, "enclaveIdentity");
    QuoteCollateralV3 {
        pck_crl_issuer_chain: chain(&pck_crl, "sgx-pck-crl-issuer-chain"),
        root_ca_crl: hex::decode(root_crl.body).unwrap(),
        pck_crl: pck_crl.body.clone(),
        tcb_info_issuer_chain: chain(&tcb, "tcb-info-issuer-chain"),
        tcb_info,
        tcb_info_signature,
        qe_identity_issuer_chain: chain(&qe, "sgx-enclave-identity-issuer-chain"),
        qe_identity,
        qe_identity_signature,
        pck_certificate_chain: None,
    }
}

fn percent_decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut decoded = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        decoded.extend(hex::decode(&part[..2]).unwrap());
        decoded.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(decoded).unwrap()
}

fn unhex(text: &Value) -> Vec<u8> {
    hex::decode(text.as_str().unwrap().trim_start_matches("0x")).unwrap()
}

#[tokio::test]
async fn a_quote_of_the_socket_verifies_with_collateral_of_the_pccs() {
    let folder = tempfile::tempdir().unwrap();
    let soft_tee = started(folder.path(), "m1").await;
    let ready = soft_tee.ready();
    let (status, answer) = post(&ready.socket, "/GetQuote", json!({ "report_data": "beef" })).await;
    assert_eq!(status, 200);
    let quote = unhex(&answer["quote"]);
    let fmspc = dcap_qvl::intel::quote_fmspc(&dcap_qvl::quote::Quote::parse(&quote).unwrap());
    let collateral = collateral(ready, &hex::encode_upper(fmspc.unwrap())).await;

    let root = hex::decode(&ready.root_certificate[2..]).unwrap();
    assert_eq!(ready.root_sha256, format!("0x{}", hex::encode(Sha256::digest(&root))));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = QuoteVerifier::<RingConfig>::new_with_config(root)
        .verify_with_policy(&quote, collateral, now, &QuotePolicy::strict(now))
        .unwrap();

    let td = claims.report.as_td10().unwrap();
    assert_eq!(td.report_data[..2], [0xbe, 0xef]);
    assert_eq!(td.report_data[2..], [0; 62]);
    assert_eq!(unhex(&answer["report_data"]), td.report_data);
    let device_id = hex::encode(Sha256::digest(&claims.platform.pck.ppid));
    assert_eq!(ready.device_id, format!("0x{device_id}"));

    // Clients replay the log to all four registers.
    let log: Vec<Value> = serde_json::from_str(answer["event_log"].as_str().unwrap()).unwrap();
    for (imr, quoted) in [td.rt_mr0, td.rt_mr1, td.rt_mr2, td.rt_mr3].iter().enumerate() {
        let digests = log.iter().filter(|event| event["imr"] == imr).map(|event| &event["digest"]);
        let replayed = digests.fold([0; 48], |register, digest| {
            Sha384::new().chain_update(register).chain_update(unhex(digest)).finalize().into()
        });
        assert_eq!(replayed, *quoted);
    }
    soft_tee.shutdown().await.unwrap();
}

#[tokio::test]
async fn info_has_the_lengths_that_clients_expect() {
    let folder = tempfile::tempdir().unwrap();
    let soft_tee = started(folder.path(), "m1").await;
    let ready = soft_tee.ready();
    let (_, info) = post(&ready.socket, "/prpc/DstackGuest.Info", json!({})).await;
    let tcb_info: Value = serde_json::from_str(info["tcb_info"].as_str().unwrap()).unwrap();
    for field in ["mrtd", "rtmr0", "rtmr1", "rtmr2", "rtmr3"] {
        assert_eq!(unhex(&tcb_info[field]).len(), 48, "{field}");
    }
    for field in ["mr_aggregated", "os_image_hash", "compose_hash", "device_id"] {
        assert_eq!(unhex(&tcb_info[field]).len(), 32, "{field}");
        assert_eq!(tcb_info[field], info[field], "{field}");
    }
    assert_eq!(tcb_info["app_compose"].as_str().unwrap().as_bytes(), COMPOSE);
    assert_eq!(unhex(&info["compose_hash"]), Sha256::digest(COMPOSE).as_slice());
    assert_eq!(info["app_name"], "demo");
    assert_eq!(unhex(&info["instance_id"]).len(), 20);
    assert_ne!(info["app_cert"], "");
}

#[tokio::test]
async fn a_key_is_the_same_after_a_restart_and_another_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let key = async |machine_id: &str, path: &str| {
        let soft_tee = started(folder.path(), machine_id).await;
        let request = json!({ "path": path, "purpose": "sealing", "algorithm": "secp256k1" });
        let (status, answer) = post(&soft_tee.ready().socket, "/GetKey", request).await;
        assert_eq!(status, 200);
        assert_eq!(answer["signature_chain"].as_array().unwrap().len(), 2);
        soft_tee.shutdown().await.unwrap();
        unhex(&answer["key"])
    };
    let first = key("m1", "a").await;
    assert_eq!(first.len(), 32);
    assert_eq!(key("m1", "a").await, first);
    assert_ne!(key("m1", "b").await, first);
    assert_ne!(key("m2", "a").await, first);
}

#[tokio::test]
async fn failures_of_the_socket_are_400_with_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let soft_tee = started(folder.path(), "m1").await;
    for (path, body) in [
        ("/EmitEvent", json!({ "event": "x", "payload": "" })),
        ("/GetQuote", json!({ "report_data": "00".repeat(65) })),
        ("/GetQuote", json!({ "report_data": "0x00" })),
        ("/GetQuote", json!({})),
        ("/GetKey", json!({ "algorithm": "rsa" })),
    ] {
        let (status, answer) = post(&soft_tee.ready().socket, path, body).await;
        assert_eq!(status, 400, "{path}");
        assert!(answer["error"].is_string(), "{path}");
    }
}

#[tokio::test]
async fn a_pccs_knows_its_own_platforms_only() {
    let folder = tempfile::tempdir().unwrap();
    let soft_tee = started(folder.path(), "m1").await;
    let path = "/tdx/certification/v4/tcb?fmspc=000000000000";
    assert_eq!(get(soft_tee.ready(), path).await.status, 404);
    assert_eq!(get(soft_tee.ready(), "/tdx/certification/v4/tcb").await.status, 400);
}

#[test]
fn the_binary_serves_until_it_is_told_to_stop() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    std::fs::write(file("seed"), "01".repeat(32)).unwrap();
    std::fs::write(file("app-compose.json"), COMPOSE).unwrap();
    let mut process = Command::new(env!("CARGO_BIN_EXE_soft-tee"))
        .arg("--seed-file")
        .arg(file("seed"))
        .args(["--authority-label", "soft-a", "--machine-id", "m1", "--os-image", &"02".repeat(32)])
        .arg("--compose")
        .arg(file("app-compose.json"))
        .arg("--socket")
        .arg(file("dstack.sock"))
        .arg("--ready-file")
        .arg(file("ready.json"))
        .spawn()
        .unwrap();
    let limit = Instant::now() + Duration::from_secs(30);
    while !file("ready.json").exists() {
        assert!(Instant::now() < limit, "not ready");
        std::thread::sleep(Duration::from_millis(20));
    }
    let ready: Ready = serde_json::from_slice(&std::fs::read(file("ready.json")).unwrap()).unwrap();
    assert_eq!(ready.pid, process.id());
    // Without --app-id the app is dstack's default.
    assert_eq!(ready.app_id, ready.compose_hash[..42]);
    assert!(Command::new("kill").arg(ready.pid.to_string()).status().unwrap().success());
    assert!(process.wait().unwrap().success());
    assert!(!file("dstack.sock").exists());
}
