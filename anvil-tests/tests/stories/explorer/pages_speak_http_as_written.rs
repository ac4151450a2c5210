//! What the pages answer, as HTTP: status, type, policy, weight; what they refuse, and in which form. The script is `pages.http`.
//! [EXP-7] [EXP-9]

use anvil_tests::{explored::explored, story};
use anyhow::{Context, Result, ensure};
use serde_json::Value;

const SCRIPT: &str = include_str!("pages.http");
const HEAVIEST: usize = 100_000;

#[test]
fn holds() {
    story(async || {
        let explored = explored().await?;
        let base = explored.facts["base"].as_str().context("a base")?;
        let http =
            reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        let mut asked = 0;
        for line in SCRIPT.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (request, expected) = line.split_once(" => ").context("request => answer")?;
            let (accept, path) = request.split_once(' ').context("accept path")?;
            let path = filled(path.trim(), &explored.facts)?;
            let accept = if accept == "page" { "text/html" } else { "application/json" };
            let answer = http.get(format!("{base}{path}")).header("accept", accept).send().await?;
            one(answer, expected).await.with_context(|| format!("{line}\n  asked for {path}"))?;
            asked += 1;
        }
        ensure!(asked > 40, "{asked} lines");
        Ok(())
    });
}

/// `{app}` is a fact; `{revoked}` is an event's place.
fn filled(path: &str, facts: &Value) -> Result<String> {
    let mut filled = path.to_owned();
    for (name, fact) in facts.as_object().context("facts")? {
        let text = match fact {
            Value::String(text) => text.clone(),
            event => format!(
                "{}/{}",
                event["block_hash"].as_str().unwrap_or_default(),
                event["log_index"]
            ),
        };
        filled = filled.replace(&format!("{{{name}}}"), &text);
    }
    Ok(filled)
}

/// `200 text/html; words, more words`: status, type, and what the body holds.
async fn one(answer: reqwest::Response, expected: &str) -> Result<()> {
    let (head, words) = expected.split_once("; ").unwrap_or((expected, ""));
    let (status, kind) = head.split_once(' ').unwrap_or((head, ""));
    ensure!(answer.status().as_u16().to_string() == status, "{}", answer.status());
    let header = |name: &str| {
        let value = answer.headers().get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    ensure!(header("content-type").starts_with(kind), "{}", header("content-type"));
    if status == "303" {
        ensure!(header("location").starts_with(words), "{}", header("location"));
        return Ok(());
    }
    let policy = header("content-security-policy");
    if kind == "text/html" {
        ensure!(
            policy.starts_with("default-src 'none'; style-src 'self'; script-src 'self'"),
            "{policy}"
        );
        ensure!(
            !policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        ensure!(header("x-content-type-options") == "nosniff");
        let may_connect = answer.url().path() == "/verify";
        ensure!(policy.contains("connect-src") == may_connect, "{policy}");
    }
    let body = answer.text().await?;
    ensure!(body.len() < HEAVIEST || kind != "text/html", "{} bytes", body.len());
    for word in words.split(", ").filter(|word| !word.is_empty()) {
        ensure!(body.contains(word), "it lacks {word:?}:\n{}", body.get(..2000).unwrap_or(&body));
    }
    if kind == "text/html" {
        // Scripts and styles come from files alone, and nothing comes from elsewhere.
        for inline in ["<script>", "<style", " style=", " onclick=", "javascript:"] {
            ensure!(!body.contains(inline), "it holds {inline}");
        }
    }
    Ok(())
}
