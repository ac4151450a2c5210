//! Every case of vectors/bundle: the bundle, what is changed in it, and the one name it fails by. vectors/verify.py reads the
//! same files and comes to the same names.

use super::{
    patch::{Operation, changed},
    world::{Named, folder, text},
};
use bundle::verify;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    #[serde(rename = "source")]
    _source: Option<String>,
    #[serde(rename = "cheat")]
    _cheat: Option<String>,
    bundle: String,
    #[serde(default)]
    change: Vec<Operation>,
    #[serde(default)]
    text: Vec<(String, String)>,
    trusted: Named,
    expect: String,
}

#[test]
fn each_way_to_cheat_is_refused_by_its_name_and_the_truth_is_not() {
    // [BUN-1]..[BUN-13]
    let mut files: Vec<_> =
        std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "json"));
    files.sort();
    let mut wrong = Vec::new();
    for file in &files {
        let case: Case =
            serde_json::from_str(&std::fs::read_to_string(file).unwrap()).expect("a case");
        let mut told = text(&case.bundle);
        if !case.change.is_empty() {
            told = changed(&told, &case.change);
        }
        for (old, new) in &case.text {
            assert!(told.contains(old), "{}", file.display());
            told = told.replacen(old, new, 1);
        }
        let verdict = verify(&told, &case.trusted.trusted());
        if verdict.word() != case.expect {
            wrong.push(format!("{}: {} {:?}", file.display(), verdict.word(), verdict.outcome));
        }
    }
    assert!(files.len() > 50, "{} cases", files.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
