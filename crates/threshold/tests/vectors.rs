//! The files in vectors/ are what this crate makes, and each gives what it expects.
//!
//! After a reviewed change of format: `cargo run -p threshold --example bless-vectors`.

#[path = "support/committee.rs"]
mod committee;
#[path = "support/rng.rs"]
mod rng;
#[path = "support/vectors.rs"]
mod vectors;

use serde_json::Value;
use std::{collections::BTreeSet, fs};
use vectors::{TOPICS, check, directory, generate};

fn read(topic: &str) -> Vec<(String, Value)> {
    let mut all: Vec<_> = fs::read_dir(directory().join(topic))
        .unwrap_or_else(|error| panic!("vectors/{topic}: {error}"))
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, serde_json::from_slice(&fs::read(path).unwrap()).unwrap())
        })
        .collect();
    all.sort_by(|left, right| left.0.cmp(&right.0));
    all
}

#[test]
fn the_files_are_what_this_crate_makes() {
    let made = generate();
    for topic in TOPICS {
        let files = read(topic);
        let names: BTreeSet<_> = files.iter().map(|(name, _)| name.as_str()).collect();
        let of_topic: Vec<_> = made.iter().filter(|vector| vector.topic == topic).collect();
        let expected: BTreeSet<_> = of_topic.iter().map(|vector| vector.name.as_str()).collect();
        assert_eq!(names, expected, "vectors/{topic}");
        for vector in of_topic {
            let file = files.iter().find(|(name, _)| *name == vector.name);
            assert_eq!(
                file.map(|(_, value)| value),
                Some(&vector.value),
                "{topic}/{}",
                vector.name
            );
        }
    }
}

#[test]
fn each_vector_gives_what_it_expects() {
    // [DERIVE-1] to [DERIVE-11], [SEAL-1] to [SEAL-6], [CER-4] to [CER-11]: A1 A16 A20 A26
    for topic in TOPICS.into_iter().filter(|topic| *topic != "hash-to-curve") {
        let files = read(topic);
        for (name, value) in &files {
            let actual = check(topic, value).err().unwrap_or("ok".to_owned());
            assert_eq!(value["expect"], Value::from(actual), "{topic}/{name}");
        }
        let passing = |name: &str| files.iter().filter(|(other, _)| other == name).count() == 1;
        for (name, value) in &files {
            if value["expect"] == "ok" {
                let prefix = format!("{name}.");
                let twins = files.iter().filter(|(other, _)| other.starts_with(&prefix)).count();
                assert!(twins > 0, "{topic}/{name} has no negative twin");
            } else {
                let (good, _) = name.split_once('.').expect("a twin is named after its case");
                assert!(passing(good), "{topic}/{name} has no passing sibling");
            }
        }
    }
}
