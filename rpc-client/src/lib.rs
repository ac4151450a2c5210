//! JSON-RPC over HTTP to an endpoint that is not trusted.
//!
//! What an endpoint says is judged by whoever asked; here it is only kept from saying it without end. An answer of more than
//! [`MOST_BYTES`] is an error; the time it may take is the client's timeout. Spec: docs/spec/chain.md [CHAIN-19].

use alloy::{
    rpc::{
        client::RpcClient,
        json_rpc::{RequestPacket, ResponsePacket},
    },
    transports::{TransportError, TransportErrorKind, TransportFut, TransportResult},
};
use reqwest::{Client, Response, Url};
use std::task::{Context, Poll};
use tower_service::Service;

/// What an answer may weigh. Receipts of a full block weigh some megabytes, ten thousand logs about ten.
pub const MOST_BYTES: usize = 64 * 1024 * 1024;

/// A client of the endpoint at `url`.
pub fn rpc_client(http: Client, url: Url) -> RpcClient {
    RpcClient::new(Transport { http, url, most: MOST_BYTES }, false)
}

/// POSTs each request, and reads no more of an answer than it may weigh.
#[derive(Clone, Debug)]
struct Transport {
    http: Client,
    url: Url,
    most: usize,
}

impl Service<RequestPacket> for Transport {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: RequestPacket) -> Self::Future {
        let transport = self.clone();
        Box::pin(async move { transport.ask(request).await })
    }
}

impl Transport {
    async fn ask(self, request: RequestPacket) -> TransportResult<ResponsePacket> {
        let sent = self.http.post(self.url).json(&request).headers(request.headers()).send().await;
        let mut response = sent.map_err(TransportErrorKind::custom)?;
        let body = read(&mut response, self.most).await?;
        // Some put an error of JSON-RPC under a status that is not 200.
        match serde_json::from_slice(&body) {
            Ok(answer) => Ok(answer),
            Err(_) if !response.status().is_success() => {
                let words = String::from_utf8_lossy(&body).chars().take(200).collect();
                Err(TransportErrorKind::http_error(response.status().as_u16(), words))
            }
            Err(error) => Err(TransportError::deser_err(error, "")),
        }
    }
}

async fn read(response: &mut Response, most: usize) -> TransportResult<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(TransportErrorKind::custom)? {
        if body.len().saturating_add(chunk.len()) > most {
            let words = format!("the endpoint's answer has more than {most} bytes");
            return Err(TransportErrorKind::custom_str(&words));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    /// Serves `head`, then `more` without end if there is any; the answer to `eth_chainId`, or the error's words.
    async fn asked(head: &str, more: &'static str, most: usize) -> Result<String, String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let head = head.to_owned();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(head.as_bytes()).await;
            while !more.is_empty() && stream.write_all(more.as_bytes()).await.is_ok() {}
        });
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder().timeout(Duration::from_secs(60)).build().unwrap();
        let client = RpcClient::new(Transport { http, url, most }, false);
        client.request::<_, String>("eth_chainId", ()).await.map_err(|error| error.to_string())
    }

    fn answer(status: &str, body: &str) -> String {
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    }

    #[tokio::test]
    async fn an_answer_without_end_is_given_up() {
        // [CHAIN-19] Nothing else stops it: the server goes on for ever.
        let begun = "HTTP/1.1 200 OK\r\n\r\n{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":\"";
        let error = asked(begun, "aaaaaaaaaaaaaaaa", 1_000_000).await.unwrap_err();
        assert!(error.contains("more than 1000000 bytes"), "{error}");
    }

    #[tokio::test]
    async fn an_answer_up_to_the_limit_is_read() {
        // [CHAIN-19]
        let body = r#"{"jsonrpc":"2.0","id":0,"result":"0x7a69"}"#;
        let fits = asked(&answer("200 OK", body), "", body.len()).await;
        assert_eq!(fits.unwrap(), "0x7a69");
        let error = asked(&answer("200 OK", body), "", body.len() - 1).await.unwrap_err();
        assert!(error.contains("more than"), "{error}");
    }

    #[tokio::test]
    async fn an_error_is_told_whatever_its_status() {
        let body = r#"{"jsonrpc":"2.0","id":0,"error":{"code":-32000,"message":"pruned"}}"#;
        for status in ["200 OK", "400 Bad Request"] {
            let error = asked(&answer(status, body), "", MOST_BYTES).await.unwrap_err();
            assert!(error.contains("pruned"), "{error}");
        }
        let error = asked(&answer("502 Bad Gateway", "<html>"), "", MOST_BYTES).await.unwrap_err();
        assert!(error.contains("502"), "{error}");
    }
}
