//! What a compose file asks for, in words: per service its images, ports, volumes, the names of its variables, and whatever
//! else it says. It is what the file declares; whether the machine holds it to that is the machine's business.

use super::{
    ImageReference,
    review::{APP_KEYS, ReviewError, SERVICE_KEYS, known, mapping, services, shown},
};
use serde_json::{Map, Value};

/// Settings that every file of ours has: they want attention when they change, not where they stand.
const EXPECTED: [&str; 3] = ["quorate", "runner", "secure_time"];
/// Facts of one file; more are nothing to read.
const MAX_FACTS: usize = 1_000;

/// One thing that is declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// `ports`, `image`, `allowed_envs`, …
    pub key: String,
    /// What it says, item by item; of variables the names alone.
    pub values: Vec<String>,
    /// Why it matters.
    pub words: &'static str,
    /// Whether it may widen what the code can do, or what runs.
    pub attention: bool,
}

/// A service of the docker compose file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its key.
    pub name: String,
    /// In the order of their keys.
    pub facts: Vec<Fact>,
}

/// All that an app-compose.json declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// In the order of their names.
    pub services: Vec<Service>,
    /// Definitions beside the services, and what stands around the docker compose file.
    pub around: Vec<Fact>,
}

/// What an app-compose.json declares.
///
/// # Errors
/// [`ReviewError`] if its docker compose file has no services or more facts than anybody reads.
pub fn declared(app_compose: &Value) -> Result<Declared, ReviewError> {
    let document = services(&app_compose["docker_compose_file"])?;
    let empty = Map::new();
    let named = document.get("services").and_then(Value::as_object).unwrap_or(&empty);
    let mut services: Vec<Service> =
        named.iter().map(|(name, service)| one_service(name, service)).collect();
    services.sort_by(|one, other| one.name.cmp(&other.name));
    let beside = document.iter().filter(|(key, _)| *key != "services");
    let beside = beside.map(|(key, value)| Fact {
        key: key.clone(),
        values: items(value),
        words: "definition beside the services",
        attention: true,
    });
    let around = app_compose.as_object().unwrap_or(&empty).iter();
    let around = around.filter(|(key, value)| *key != "docker_compose_file" && says(value));
    let around = around.map(|(key, value)| {
        let (words, attention) = known(&APP_KEYS, key);
        fact(key, items(value), (words, attention && !EXPECTED.contains(&key.as_str())))
    });
    let around = in_order(beside.chain(around));
    let in_services: usize = services.iter().map(|service| service.facts.len()).sum();
    if in_services.saturating_add(around.len()) > MAX_FACTS {
        return Err(ReviewError::TooManyChanges);
    }
    Ok(Declared { services, around })
}

fn one_service(name: &str, service: &Value) -> Service {
    let empty = Map::new();
    let keys = service.as_object().unwrap_or(&empty).iter();
    let facts = keys.map(|(key, value)| match key.as_str() {
        "environment" => {
            let mut names: Vec<String> = mapping(Some(value)).keys().cloned().collect();
            names.sort_unstable();
            fact(key, names, known(&SERVICE_KEYS, key))
        }
        "image" => {
            let (words, _) = known(&SERVICE_KEYS, key);
            let image = ImageReference { reference: shown(value), line: 0 };
            match image.is_pinned() {
                true => fact(key, items(value), ("runs; the digest pins its content", false)),
                false => fact(key, items(value), (words, true)),
            }
        }
        _ => fact(key, items(value), known(&SERVICE_KEYS, key)),
    });
    Service { name: name.to_owned(), facts: in_order(facts) }
}

/// By key: JSON keeps or sorts them as some other crate's feature decides.
fn in_order(facts: impl Iterator<Item = Fact>) -> Vec<Fact> {
    let mut facts: Vec<Fact> = facts.collect();
    facts.sort_by(|one, other| one.key.cmp(&other.key));
    facts
}

fn fact(key: &str, values: Vec<String>, (words, attention): (&'static str, bool)) -> Fact {
    Fact { key: key.to_owned(), values, words, attention }
}

/// Whether a setting of app-compose.json is more than off or empty.
fn says(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(is_on) => *is_on,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Number(_) | Value::Object(_) => true,
    }
}

fn items(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().map(shown).collect(),
        other => vec![shown(other)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const COMPOSE: &str = "services:\n  web:\n    image: nginx\n    environment:\n      - TOKEN=secret\n      - MODE=x\n    ports: ['80:80']\n    privileged: true\n    surprise: 1\nvolumes:\n  data: {}\n";

    fn found<'a>(facts: &'a [Fact], key: &str) -> &'a Fact {
        facts.iter().find(|fact| fact.key == key).unwrap()
    }

    #[test]
    fn a_service_declares_what_it_runs_and_may_reach() {
        let file = json!({ "docker_compose_file": COMPOSE, "allowed_envs": ["TOKEN"], "public_logs": false });
        let declared = declared(&file).unwrap();
        let [web] = declared.services.as_slice() else { panic!() };
        assert_eq!(found(&web.facts, "environment").values, ["MODE", "TOKEN"], "names, no values");
        assert_eq!(found(&web.facts, "ports").values, ["80:80"]);
        for key in ["image", "privileged", "surprise"] {
            assert!(found(&web.facts, key).attention, "{key}");
        }
        assert_eq!(found(&declared.around, "allowed_envs").values, ["TOKEN"]);
        assert!(found(&declared.around, "volumes").attention);
        assert!(!declared.around.iter().any(|fact| fact.key == "public_logs"), "it is off");
    }

    #[test]
    fn a_pinned_image_wants_no_attention() {
        let pinned = COMPOSE.replace("nginx", &format!("nginx@sha256:{}", "01".repeat(32)));
        let declared = declared(&json!({ "docker_compose_file": pinned })).unwrap();
        assert!(!found(&declared.services[0].facts, "image").attention);
    }

    #[test]
    fn what_is_no_compose_file_declares_nothing() {
        let refused = declared(&json!({ "docker_compose_file": "a: 1" }));
        assert!(matches!(refused, Err(ReviewError::NoServices)));
        let many = (0..=MAX_FACTS).map(|key| format!("    k{key}: 1\n")).collect::<String>();
        let many = json!({ "docker_compose_file": format!("services:\n  web:\n{many}") });
        assert!(matches!(declared(&many), Err(ReviewError::TooManyChanges)));
    }
}
