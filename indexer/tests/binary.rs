//! The built program: its configuration, its start without a chain, its stop.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_secs(60);

/// Nobody serves at its endpoint.
const NETWORK: &str = r#"
name = "test"
[chain]
id = 31337
fork = "osaka"
genesis_hash = "0x5050505050505050505050505050505050505050505050505050505050505050"
endpoints = ["http://127.0.0.1:1"]
agree = 1
finality_blocks = 2
[contracts]
access_manager = "0x0000000000000000000000000000000000000001"
attestation_registry = "0x0000000000000000000000000000000000000002"
kms_committee = "0x0000000000000000000000000000000000000003"
app_registry = "0x0000000000000000000000000000000000000004"
issuance_log = "0x0000000000000000000000000000000000000005"
[attestation]
allows_software = true
roots = [{ vendor = "a" }, { vendor = "b" }, { vendor = "c" }]
[delays]
grant_floor_seconds = 0
longest_seconds = 0
step_blocks = 60
[committee]
threshold = 2
seats = [
  { vendor = "a", operator = "1" },
  { vendor = "b", operator = "2" },
  { vendor = "c", operator = "3" },
]
[limits]
max_head_age_seconds = 60
max_finality_age_seconds = 60
release_window_blocks = 250
requests_per_minute = 600
"#;

fn config(folder: &Path) -> String {
    let (network, database) = (folder.join("network.toml"), folder.join("index.sqlite"));
    std::fs::write(&network, NETWORK).unwrap();
    format!(
        "network = {network:?}\ndatabase = {database:?}\nlisten = \"127.0.0.1:0\"\nready_file = {:?}\n",
        folder.join("ready.json")
    )
}

fn start(folder: &Path, config: &str) -> Child {
    let file = folder.join("indexer.toml");
    std::fs::write(&file, config).unwrap();
    Command::new(env!("CARGO_BIN_EXE_indexer"))
        .arg("--config")
        .arg(file)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn fails(folder: &Path, config: &str) -> String {
    let Output { status, stderr, .. } = start(folder, config).wait_with_output().unwrap();
    assert_eq!(status.code(), Some(1));
    String::from_utf8(stderr).unwrap()
}

#[test]
fn a_wrong_key_is_named_with_its_line_and_what_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let good = config(folder.path());
    let said = fails(folder.path(), &good.replace("listen =", "lisen ="));
    for words in ["indexer.toml", "line 3", "unknown field `lisen`", "`listen`", "`network`"] {
        assert!(said.contains(words), "{words} is not in: {said}");
    }
}

#[test]
fn a_network_file_without_contracts_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let begin = NETWORK.find("[contracts]").unwrap();
    let end = NETWORK.find("[attestation]").unwrap();
    let without = format!("{}{}", &NETWORK[..begin], &NETWORK[end..]);
    std::fs::write(folder.path().join("network.toml"), without).unwrap();
    let said = fails(folder.path(), &config);
    assert!(said.contains("the network file has no [contracts]"), "{said}");
}

#[test]
fn it_serves_without_a_chain_and_stops_cleanly_when_told() {
    let folder = tempfile::tempdir().unwrap();
    let ready_file = folder.path().join("ready.json");
    let mut child = start(folder.path(), &config(folder.path()));
    let ready = until("the ready file", || std::fs::read_to_string(&ready_file).ok());
    let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
    assert_eq!(ready["pid"], child.id());
    let listen: SocketAddr = ready["listen"].as_str().unwrap().parse().unwrap();
    assert!(get(listen, "/healthz").starts_with("HTTP/1.1 200 "));
    let answer = get(listen, "/readyz");
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    let told = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(told.success());
    let status = until("its end", || child.try_wait().unwrap());
    assert!(status.success(), "{status}");
    assert!(!ready_file.exists(), "the ready file of a stopped process");
}

fn get(listen: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(listen).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
