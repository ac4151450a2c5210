//! What the chain names by hash can be sent by anybody and is read by everybody; all else is refused, each by its own code, and
//! nothing of it is kept. `quorate publish` says why. [API-1] [API-6] [API-7]

use alloy::primitives::keccak256;
use anvil_tests::{
    story,
    voted::{publish, voted},
};
use anyhow::{Context, Result, ensure};
use serde_json::Value;

const LONGEST: usize = 256 * 1024;

#[test]
fn holds() {
    story(async || {
        let voted = voted().await?;
        let fact = |name: &str| voted.facts[name].as_str().unwrap_or_default().to_owned();
        let base = fact("base");

        // The texts of the upgrade were sent by `quorate publish`.
        let answer = voted.index.ask(&format!("/v1/texts/{}", fact("new")), &[]).await?;
        ensure!(answer.status() == 200);
        for (name, value) in [
            ("content-type", "text/plain; charset=utf-8"),
            ("x-content-type-options", "nosniff"),
            ("cache-control", "public, max-age=31536000, immutable"),
            ("content-security-policy", "default-src 'none'; sandbox; frame-ancestors 'none'"),
        ] {
            ensure!(answer.headers()[name] == value, "{name}: {:?}", answer.headers()[name]);
        }
        let compose = answer.text().await?;
        ensure!(compose.contains("docker_compose_file"), "{compose}");
        let report = voted.index.ask(&format!("/v1/texts/{}", fact("report")), &[]).await?;
        ensure!(keccak256(report.bytes().await?).to_string() == fact("report"));

        // An open proposal names code before anybody has approved it.
        let next = std::fs::read(fact("next_file"))?;
        let path = format!("{base}/v1/texts/{}", fact("next"));
        refused(&path, [&next[..], b"\n"].concat(), 409, "wrong_hash").await?;
        ensure!(status(&path, next.clone()).await? == 201, "what a proposal names is not kept");
        ensure!(status(&path, next).await? == 200, "the same bytes again");

        // By its hash alone it is nothing.
        let unnamed = b"# A report that nobody named".to_vec();
        let by_hash = format!("{base}/v1/texts/{}", keccak256(&unnamed));
        refused(&by_hash, unnamed, 403, "not_named").await?;
        let other = br#"{"docker_compose_file":"services: {}"}"#.to_vec();
        let hash = policy_cli::compose::compose_hash(&other);
        let by_code = format!("{base}/v1/texts/{}", alloy::hex::encode_prefixed(hash));
        refused(&by_code, other, 403, "not_named").await?;
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("report.md").display().to_string();
        std::fs::write(&file, "# Another report that nobody named")?;
        let said = publish(&file, &base).await?;
        ensure!(said.exit == 4, "{}", said.json);
        let words = said.json["error"]["message"].as_str().unwrap_or_default();
        ensure!(words.contains("no proposal's text names this report"), "{words}");
        let nobody = publish(&file, "http://127.0.0.1:1").await?;
        ensure!(nobody.exit == 5, "{}", nobody.json);
        // Not even read to its end.
        refused(&path, vec![b'x'; LONGEST + 1], 413, "too_large").await?;
        let binary = vec![0xff, 0xfe];
        let by_hash = format!("{base}/v1/texts/{}", keccak256(&binary));
        refused(&by_hash, binary, 400, "malformed").await?;
        refused(&format!("{base}/v1/texts/0x12"), b"x".to_vec(), 400, "malformed").await?;
        for gone in [&by_hash, &by_code] {
            let path = gone.strip_prefix(&base).context("a path")?;
            ensure!(voted.index.get(path).await?.0 == 404, "{gone} was kept");
        }
        let delete = reqwest::Client::new().delete(&path).send().await?;
        ensure!(
            delete.status() == 405 && delete.headers()["allow"] == "GET,HEAD,PUT",
            "{delete:?}"
        );
        Ok(())
    });
}

async fn status(url: &str, body: Vec<u8>) -> Result<u16> {
    Ok(reqwest::Client::new().put(url).body(body).send().await?.status().as_u16())
}

async fn refused(url: &str, body: Vec<u8>, status: u16, code: &str) -> Result<()> {
    let answer = reqwest::Client::new().put(url).body(body).send().await?;
    let (told, problem) = (answer.status(), answer.json::<Value>().await?);
    ensure!(told == status && problem["code"] == code, "{url}: {told} {problem}, not {code}");
    Ok(())
}
