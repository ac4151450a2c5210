//! A bundle and an enclave's evidence, as a reader brings them: each check is told with who was trusted for it, the first that
//! fails by name, and nothing is kept. By the API, and by the form that works without scripts. [EXP-14] [API-1]

use anvil_tests::{explored::explored, story};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use wire::request::EvidenceBytes;

#[test]
fn holds() {
    story(async || {
        let explored = explored().await?;
        let base = explored.facts["base"].as_str().context("a base")?.to_owned();
        let place = |event: &Value| {
            let hash = event["block_hash"].as_str().unwrap_or_default().to_owned();
            format!("/v1/events/{hash}/{}", event["log_index"])
        };
        let issued = &explored.facts["issued"];
        let path = format!("{}/bundle", place(issued));
        explored.index.until(&path, |status, _| status == 200).await?;
        let bundle = explored.index.ask(&path, &[]).await?.text().await?;
        let issuance = &explored.facts["issuance"];

        // By this server's word, by the block that the reader names, and by another one.
        let told = judged(&base, "", bundle.clone().into_bytes()).await?;
        ensure!(told["verdict"] == "ok" && told["issuances"][0] == *issuance, "{told}");
        let trusted = told["checks"][0]["trusted"].as_str().unwrap_or_default();
        ensure!(trusted.starts_with("this server"), "{told}");
        let parsed: Value = serde_json::from_str(&bundle)?;
        let last = parsed["headers"].as_array().and_then(|all| all.last()).context("a header")?;
        let header = alloy::hex::decode(last.as_str().unwrap_or_default())?;
        let block = alloy::primitives::keccak256(header);
        let told = judged(&base, &format!("?block={block}"), bundle.clone().into_bytes()).await?;
        ensure!(told["verdict"] == "ok", "{told}");
        let trusted = told["checks"][0]["trusted"].as_str().unwrap_or_default();
        ensure!(trusted.starts_with("you"), "{told}");
        let other = issued["block_hash"].as_str().unwrap_or_default();
        let told = judged(&base, &format!("?block={other}"), bundle.clone().into_bytes()).await?;
        ensure!(told["verdict"] != "ok" && told["failure"].is_string(), "{told}");
        // One digit of the last header: its block is none of this index.
        let mut changed = bundle.clone();
        let digits = last.as_str().unwrap_or_default();
        let flipped = format!(
            "{}{}",
            &digits[..digits.len() - 1],
            if digits.ends_with('0') { "1" } else { "0" }
        );
        changed = changed.replace(digits, &flipped);
        let told = judged(&base, "", changed.into_bytes()).await?;
        ensure!(told["verdict"] == "not-final-here", "{told}");

        // The evidence that the record names.
        let hash = issued["args"]["evidenceHash"].as_str().context("an evidence hash")?;
        let evidence = explored.index.ask(&format!("/v1/evidence/{hash}"), &[]).await?;
        let evidence = evidence.bytes().await?.to_vec();
        let told = judged(&base, "", evidence.clone()).await?;
        ensure!(told["verdict"] == "ok" && told["issuances"][0] == *issuance, "{told}");
        let facts = told["facts"].to_string();
        for words in [
            "RTMR3",
            "a request for keys",
            "UpToDate",
            explored.facts["code"].as_str().unwrap_or_default(),
        ] {
            ensure!(facts.contains(words), "{words} is missing: {facts}");
        }
        // The page of its app names the same instance. [EXP-21]
        let mut named = told["facts"].as_array().into_iter().flatten();
        let instance = named.find(|fact| fact["name"] == "instance");
        let instance = instance.and_then(|fact| fact["value"].as_str()).context("an instance")?;
        let app = issued["args"]["appId"].as_str().context("an app")?;
        let page = explored.index.text(&format!("/apps/{app}")).await?;
        ensure!(page.to_lowercase().contains(instance), "{instance} is not on the page");
        let mut forged = evidence.clone();
        let middle = 400;
        forged[middle] ^= 1;
        let told = judged(&base, "", forged).await?;
        ensure!(told["verdict"] == "quote" && told["failure"].is_string(), "{told}");

        // A quote by itself: its report_data leads to the record, whose evidence has that very quote.
        let quote = EvidenceBytes::decode(&evidence)?.quote.to_vec();
        let told = judged(&base, "", quote.clone()).await?;
        ensure!(told["verdict"] == "ok" && told["issuances"][0] == *issuance, "{told}");
        ensure!(told["checks"][0]["name"] == "kept evidence", "{told}");
        // One that differs in its signature claims the same record, and is not the quote of its evidence.
        let mut forged = quote;
        forged[650] ^= 1;
        let told = judged(&base, "", forged).await?;
        ensure!(told["verdict"] == "collateral" && told["checks"] == json!([]), "{told}");

        // Part of a file, and nonsense, is nothing.
        for other in [&evidence[64..], b"nonsense", b"", b"{\xff"] {
            let told = judged(&base, "", other.to_vec()).await?;
            ensure!(told["verdict"] == "format" && told["failure"].is_string(), "{told}");
        }
        for (query, body, status, code) in [
            ("?block=0x12", b"{}".to_vec(), 400, "malformed"),
            ("", vec![b' '; (4 << 20) + 1], 413, "too_large"),
        ] {
            let answer =
                post(&format!("{base}/v1/verify{query}"), "application/octet-stream", body).await?;
            let (told, problem) = (answer.status(), answer.json::<Value>().await?);
            ensure!(told == status && problem["code"] == code, "{told} {problem}");
        }

        // The form, as a browser without scripts sends it.
        let page = form(&base, &evidence, "").await?;
        ensure!(
            page.0 == 200 && page.1.contains("data-file=\"ok\"") && page.1.contains("RTMR3"),
            "{}",
            page.1
        );
        let page = form(&base, bundle.as_bytes(), other).await?;
        ensure!(page.0 == 200 && page.1.contains("It does not hold"), "{}", page.1);
        ensure!(form(&base, b"", "").await?.0 == 400, "no file");
        ensure!(form(&base, &evidence, "0x12").await?.0 == 400, "no hash");
        let answer = post(&format!("{base}/verify"), "text/plain", b"x".to_vec()).await?;
        ensure!(answer.status() == 400, "no form");
        Ok(())
    });
}

async fn judged(base: &str, query: &str, body: Vec<u8>) -> Result<Value> {
    let answer =
        post(&format!("{base}/v1/verify{query}"), "application/octet-stream", body).await?;
    let (status, told) = (answer.status(), answer.json::<Value>().await?);
    ensure!(status == 200, "{status} {told}");
    Ok(told)
}

async fn form(base: &str, file: &[u8], block: &str) -> Result<(u16, String)> {
    let mut body = b"--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"f\"\r\ncontent-type: application/octet-stream\r\n\r\n".to_vec();
    body.extend(file);
    body.extend(
        format!(
            "\r\n--x\r\ncontent-disposition: form-data; name=\"block\"\r\n\r\n{block}\r\n--x--\r\n"
        )
        .bytes(),
    );
    let answer = post(&format!("{base}/verify"), "multipart/form-data; boundary=x", body).await?;
    Ok((answer.status().as_u16(), answer.text().await?))
}

async fn post(url: &str, kind: &str, body: Vec<u8>) -> Result<reqwest::Response> {
    let request = reqwest::Client::new().post(url).header("content-type", kind).body(body);
    Ok(request.send().await?)
}
