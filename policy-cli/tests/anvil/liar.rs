//! An endpoint that passes everything on and changes one kind of answer.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

/// What it lies about.
#[derive(Clone, Copy)]
pub(crate) enum Lie {
    /// The value of every storage slot.
    Slot,
    /// The last event of every list.
    HiddenEvent,
    /// The calldata of transactions.
    Calldata,
    /// Nothing, but proposals are told only from this block on, and a thousand blocks at a time.
    Narrow(u64),
    /// Nothing, but it does not simulate.
    NoSimulation,
}

/// Listens on a port of its own until the process ends.
pub(crate) fn start(upstream: &str, lie: Lie) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let upstream = upstream.trim_start_matches("http://").trim_end_matches('/').to_owned();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let upstream = upstream.clone();
            std::thread::spawn(move || serve(client, &upstream, lie));
        }
    });
    url
}

/// An index that answers every request with this status and body.
pub(crate) fn index(status: u16, text: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let _ = body(&client);
            let length = text.len();
            let _ = write!(
                client,
                "HTTP/1.1 {status} x\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}"
            );
        }
    });
    url
}

fn serve(mut client: TcpStream, upstream: &str, lie: Lie) {
    let Some(request) = body(&client) else { return };
    let asked: Value = serde_json::from_slice(&request).unwrap();
    let mut server = TcpStream::connect(upstream).unwrap();
    write!(
        server,
        "POST / HTTP/1.1\r\nHost: {upstream}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        request.len()
    )
    .unwrap();
    server.write_all(&request).unwrap();
    let mut answer: Value = serde_json::from_slice(&body(&server).unwrap()).unwrap();
    match lie {
        Lie::Narrow(first) if is_refused(&asked, first) => {
            let error = serde_json::json!({ "code": -32005, "message": "range too wide" });
            answer = serde_json::json!({ "jsonrpc": "2.0", "id": answer["id"], "error": error });
        }
        Lie::NoSimulation if asked["method"] == "eth_simulateV1" => {
            let error = serde_json::json!({ "code": -32601, "message": "no such method" });
            answer = serde_json::json!({ "jsonrpc": "2.0", "id": answer["id"], "error": error });
        }
        _ => {
            if let Some(result) = answer.get_mut("result") {
                tell(&asked, result, lie);
            }
        }
    }
    let answer = answer.to_string();
    let _ = write!(
        client,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{answer}",
        answer.len()
    );
}

fn is_refused(asked: &Value, first: u64) -> bool {
    let filter = &asked["params"][0];
    let block = |name: &str| {
        let word = filter[name].as_str().and_then(|word| word.strip_prefix("0x"));
        word.map_or(0, |word| u64::from_str_radix(word, 16).unwrap())
    };
    let (from, to) = (block("fromBlock"), block("toBlock"));
    // Trails are read whole: what is asked by topic is the proposal.
    asked["method"] == "eth_getLogs"
        && !filter["topics"][0].is_null()
        && (from < first || to - from >= 1000)
}

fn tell(asked: &Value, answer: &mut Value, lie: Lie) {
    match (lie, asked["method"].as_str()) {
        (Lie::Slot, Some("eth_getProof")) => {
            for slot in answer["storageProof"].as_array_mut().into_iter().flatten() {
                slot["value"] = "0x1234".into();
            }
        }
        (Lie::HiddenEvent, Some("eth_getLogs")) => {
            answer.as_array_mut().and_then(Vec::pop);
        }
        (Lie::Calldata, Some("eth_getTransactionByHash")) => {
            // Another device than the one that the seats signed.
            let input = answer["input"].as_str().unwrap();
            answer["input"] = input.replace(&"d1".repeat(32), &"d2".repeat(32)).into();
        }
        _ => {}
    }
}

/// The body of a message with a length.
fn body(stream: &TcpStream) -> Option<Vec<u8>> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut bytes = vec![0; length];
    reader.read_exact(&mut bytes).ok()?;
    Some(bytes)
}
