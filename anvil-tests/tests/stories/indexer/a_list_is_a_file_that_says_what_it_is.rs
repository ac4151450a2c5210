//! The same events as JSON, CSV and JSON Lines, each with a digest over its bytes, its blocks and, for one contract, its trail in
//! the headers; filters, both orders, tags. The lists of views alike. [IDX-9] [API-2]

use alloy::primitives::hex;
use anvil_tests::{Index, bare, sse::place, story};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::process::{Command, Stdio};

#[test]
fn holds() {
    story(async || {
        let chain = bare().await?;
        let index = Index::start(&chain.network, chain.folder(), "listed").await?;
        index.until_ready().await?;
        let registry = hex::encode_prefixed(chain.governance.contracts.app_registry);
        same_in_every_format(&index, &registry).await?;
        filters(&index, &registry).await?;
        tags(&index).await?;
        pages(&index).await?;
        views(&index).await?;
        for (query, words) in [
            ("limit=0", "limit"),
            ("limit=1001", "limit"),
            ("limit=x", "limit"),
            ("name=a%00b", "name"),
            ("contract=0x12", "address"),
            ("kind=cat", "kind"),
            ("from_block=9007199254740992", "from_block"),
            ("cursor=00", "cursor"),
            ("colour=red", "colour"),
        ] {
            let (status, problem) = index.get(&format!("/v1/events?{query}")).await?;
            let detail = problem["detail"].as_str().unwrap_or_default();
            ensure!(status == 400 && detail.contains(words), "{query}: {status} {problem}");
        }
        let refused = index.ask("/v1/events", &[("accept", "image/png")]).await?;
        ensure!(refused.status() == 406, "{}", refused.status());
        Ok(())
    });
}

async fn same_in_every_format(index: &Index, registry: &str) -> Result<()> {
    let path = format!("/v1/events?contract={registry}&finality=finalized&limit=1000");
    let json: Value = index.ask(&path, &[]).await?.json().await?;
    let events = json["events"].as_array().context("a list")?;
    ensure!(events.len() > 3 && json["next_cursor"].is_null(), "{json}");
    ensure!(json["trail"]["verdict"] == "complete", "{json}");
    for (accept, kind) in [("application/jsonl", "application/jsonl"), ("text/csv", "text/csv")] {
        let answer = index.ask(&path, &[("accept", accept)]).await?;
        let headers = answer.headers().clone();
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        ensure!(header("content-type").is_some_and(|found| found.starts_with(kind)), "{headers:?}");
        let trail = header("quorate-trail").context("a trail")?;
        for part in [
            format!("seq={}", json["trail"]["seq"]),
            format!("head={}", json["trail"]["head"]),
            format!("at={};hash={}", json["trail"]["at"]["number"], json["trail"]["at"]["hash"]),
        ] {
            ensure!(trail.contains(&part), "{part} is not in {trail}");
        }
        let as_of = header("quorate-as-of").context("as of")?;
        let finalized = &json["as_of"]["finalized"];
        let words = format!("finalized={};hash={}", finalized["number"], finalized["hash"]);
        ensure!(as_of.contains(&words), "{as_of}");
        let range = header("quorate-range").context("a range")?;
        ensure!(range.contains(&format!("count={}, more=?0", events.len())), "{range}");
        let told = header("content-digest").context("a digest")?.to_owned();
        ensure!(header("repr-digest") == Some(told.as_str()), "{headers:?}");
        let body = answer.text().await?;
        ensure!(told == format!("sha-256=:{}:", sha256_base64(&body)?), "another digest");
        let seqs: Vec<String> = match kind {
            "text/csv" => column(&body, "seq")?,
            _ => {
                let lines = body.lines().map(serde_json::from_str::<Value>);
                let lines: Vec<Value> = lines.collect::<Result<_, _>>()?;
                ensure!(lines == *events, "the lines are other events");
                lines.iter().map(|event| text(&event["seq"])).collect()
            }
        };
        let wanted: Vec<String> = events.iter().map(|event| text(&event["seq"])).collect();
        ensure!(seqs == wanted, "{seqs:?}");
    }
    Ok(())
}

async fn filters(index: &Index, registry: &str) -> Result<()> {
    let (_, all) = index.get("/v1/events?limit=1000").await?;
    let all = all["events"].as_array().context("a list")?.clone();
    let block = all[all.len() / 2]["block_number"].as_u64().context("a number")?;
    let app = all.iter().find_map(|event| event["app_id"].as_str()).context("an app")?;
    type Is<'a> = Box<dyn Fn(&Value) -> bool + 'a>;
    let cases: Vec<(String, Is<'_>)> = vec![
        (format!("contract={registry}"), Box::new(|event| event["contract"] == registry)),
        ("kind=policy".into(), Box::new(|event| event["kind"] == "policy")),
        ("name=AppEntered".into(), Box::new(|event| event["name"] == "AppEntered")),
        (format!("app={app}"), Box::new(|event| event["app_id"] == app)),
        ("standing=outside".into(), Box::new(|event| event["standing"] == "outside")),
        (format!("from_block={block}"), Box::new(|e| e["block_number"].as_u64() >= Some(block))),
        (format!("to_block={block}"), Box::new(|e| e["block_number"].as_u64() <= Some(block))),
    ];
    for (query, is) in cases {
        let (status, found) = index.get(&format!("/v1/events?limit=1000&{query}")).await?;
        ensure!(status == 200, "{found}");
        let wanted: Vec<&Value> = all.iter().filter(|event| is(event)).collect();
        let found: Vec<&Value> = found["events"].as_array().context("a list")?.iter().collect();
        ensure!(!wanted.is_empty() && wanted.len() < all.len(), "{query} tells nothing apart");
        ensure!(wanted == found, "{query}: {} of {}", found.len(), wanted.len());
    }
    Ok(())
}

/// The same answer is not sent twice, and HEAD is GET without its body.
async fn tags(index: &Index) -> Result<()> {
    let path = "/v1/events?limit=5&finality=finalized";
    let first = index.ask(path, &[]).await?;
    let tag = first.headers()["etag"].to_str()?.to_owned();
    let as_of: Value = first.json().await?;
    let hash = as_of["as_of"]["finalized"]["hash"].as_str().context("a hash")?;
    ensure!(tag.contains(hash), "{tag}");
    let again = index.ask(path, &[("if-none-match", &tag)]).await?;
    ensure!(again.status() == 304 && again.text().await?.is_empty(), "sent again");
    let other = "/v1/events?limit=6&finality=finalized";
    let other = index.ask(other, &[("if-none-match", &tag)]).await?;
    ensure!(other.status() == 200, "the tag of another query");
    let head = reqwest::Client::new().head(format!("{}{path}", index.url()?)).send().await?;
    ensure!(head.status() == 200 && head.headers()["etag"] == tag.as_str(), "{head:?}");
    ensure!(head.headers().contains_key("repr-digest"), "{head:?}");
    ensure!(head.text().await?.is_empty(), "HEAD has a body");
    Ok(())
}

/// Page after page, by `link`, in both orders.
async fn pages(index: &Index) -> Result<()> {
    let (_, all) = index.get("/v1/events?limit=1000").await?;
    let mut wanted = Vec::new();
    for event in all["events"].as_array().context("a list")? {
        wanted.push(place(event)?);
    }
    for order in ["oldest", "newest"] {
        let mut found = Vec::new();
        let mut path = format!("/v1/events?order={order}&limit=7");
        loop {
            let answer = index.ask(&path, &[]).await?;
            let link = answer.headers().get("link").map(|link| link.to_str().map(str::to_owned));
            let page: Value = answer.json().await?;
            for event in page["events"].as_array().context("a list")? {
                found.push(place(event)?);
            }
            let Some(link) = link.transpose()? else { break };
            let next = link.strip_prefix('<').and_then(|link| link.split_once(">; rel=\"next\""));
            path = next.context("a link")?.0.to_owned();
        }
        ensure!(found == wanted, "{order}: {} of {}", found.len(), wanted.len());
        wanted.reverse();
    }
    Ok(())
}

/// Apps page by page and contracts at once, each the same in every format and with the headers that events have.
async fn views(index: &Index) -> Result<()> {
    let (_, events) = index.get("/v1/events?name=AppEntered&order=newest&limit=1000").await?;
    let entered = events["events"].as_array().context("a list")?.iter();
    let entered = entered.map(place).collect::<Result<Vec<_>>>()?;
    let (mut found, mut path) = (Vec::new(), "/v1/apps?limit=1".to_owned());
    loop {
        let (rows, next) = in_every_format(index, &path, "apps", "args").await?;
        for row in &rows {
            found.push(place(row)?);
        }
        let Some(next) = next else { break };
        path = next;
    }
    ensure!(entered.len() > 1 && found == entered, "{found:?}, not {entered:?}");
    let (contracts, next) =
        in_every_format(index, "/v1/contracts?", "contracts", "verdict").await?;
    ensure!(contracts.len() > 3 && next.is_none(), "{contracts:?}");
    let (mut paged, mut path) = (Vec::new(), "/v1/contracts?limit=2".to_owned());
    loop {
        let (rows, next) = in_every_format(index, &path, "contracts", "verdict").await?;
        paged.extend(rows.iter().map(|row| row["contract"].clone()));
        let Some(next) = next else { break };
        path = next;
    }
    let whole: Vec<Value> = contracts.iter().map(|row| row["contract"].clone()).collect();
    ensure!(paged == whole, "{paged:?}, not {whole:?}");
    for (path, words) in [
        ("/v1/apps?limit=0", "limit"),
        ("/v1/issuances?cursor=00", "cursor"),
        ("/v1/revocations?app=0x12", "address"),
        ("/v1/contracts?limit=1001", "limit"),
        ("/v1/contracts?cursor=01", "cursor"),
    ] {
        let (status, problem) = index.get(path).await?;
        let detail = problem["detail"].as_str().unwrap_or_default();
        ensure!(status == 400 && detail.contains(words), "{path}: {status} {problem}");
    }
    // As of a block that never was.
    for gone in [
        format!("/v1/revocations?cursor=01{}", "00".repeat(88)),
        format!("/v1/contracts?cursor=03{}", "00".repeat(76)),
    ] {
        let (status, problem) = index.get(&gone).await?;
        ensure!(status == 409 && problem["code"] == "reorged", "{status} {problem}");
    }
    Ok(())
}

/// The rows of a list, whose `nested` column holds JSON, and the path of the next page.
async fn in_every_format(
    index: &Index,
    path: &str,
    name: &str,
    nested: &str,
) -> Result<(Vec<Value>, Option<String>)> {
    let answer = index.ask(path, &[]).await?;
    let tag = answer.headers()["etag"].to_str()?.to_owned();
    let link = answer.headers().get("link").map(|link| link.to_str().map(str::to_owned));
    let json: Value = answer.json().await?;
    let rows = json[name].as_array().context("a list")?.clone();
    let again = index.ask(path, &[("if-none-match", &tag)]).await?;
    ensure!(again.status() == 304, "{path} is sent again");
    for format in ["csv", "jsonl"] {
        let answer = index.ask(&format!("{path}&format={format}"), &[]).await?;
        let headers = answer.headers().clone();
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let as_of = header("quorate-as-of").context("as of")?;
        let finalized = &json["as_of"]["finalized"];
        let words = format!("finalized={};hash={}", finalized["number"], finalized["hash"]);
        ensure!(as_of.contains(&words), "{as_of}");
        let more = u8::from(link.is_some());
        let words = format!("count={}, more=?{more}", rows.len());
        let range = header("quorate-range").context("a range")?;
        ensure!(range.contains(&words), "{range}, not {words}");
        ensure!(header("vary") == Some("accept"), "{headers:?}");
        let told = header("content-digest").context("a digest")?.to_owned();
        ensure!(header("repr-digest") == Some(told.as_str()), "{headers:?}");
        let body = answer.text().await?;
        ensure!(told == format!("sha-256=:{}:", sha256_base64(&body)?), "another digest");
        let same: Vec<Value> = match format {
            "csv" => {
                let cells = column(&body, nested)?;
                let read = |cell: &String| match cell.as_str() {
                    "" => Ok(Value::Null),
                    cell => serde_json::from_str(cell),
                };
                cells.iter().map(read).collect::<Result<_, _>>()?
            }
            _ => body.lines().map(serde_json::from_str).collect::<Result<_, _>>()?,
        };
        let wanted: Vec<Value> = match format {
            "csv" => rows.iter().map(|row| row[nested].clone()).collect(),
            _ => rows.clone(),
        };
        ensure!(same == wanted, "{path} as {format}: {same:?}");
    }
    let next = link.transpose()?.map(|link| {
        let next = link.strip_prefix('<').and_then(|link| link.split_once(">; rel=\"next\""));
        next.map(|(path, _)| path.to_owned()).context("a link")
    });
    Ok((rows, next.transpose()?))
}

/// A column of a CSV file, as Python's reader has it.
fn column(text: &str, name: &str) -> Result<Vec<String>> {
    const READ: &str = "import csv, json, sys\n\
        rows = list(csv.DictReader(sys.stdin, strict=True))\n\
        print(json.dumps([row[sys.argv[1]] for row in rows]))";
    Ok(serde_json::from_str(&python(&["-c", READ, name], text)?)?)
}

fn sha256_base64(text: &str) -> Result<String> {
    const DIGEST: &str = "import base64, hashlib, sys\n\
        print(base64.b64encode(hashlib.sha256(sys.stdin.buffer.read()).digest()).decode())";
    Ok(python(&["-c", DIGEST], text)?.trim().to_owned())
}

fn python(arguments: &[&str], input: &str) -> Result<String> {
    use std::io::Write;
    let mut child = Command::new("python3")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("python3")?;
    child.stdin.take().context("its input")?.write_all(input.as_bytes())?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "python3 failed");
    Ok(String::from_utf8(output.stdout)?)
}

fn text(value: &Value) -> String {
    if value.is_null() { String::new() } else { value.to_string() }
}
