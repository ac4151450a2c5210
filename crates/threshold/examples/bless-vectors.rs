//! Writes this crate's vectors to vectors/. A change in what it writes is a change of format: review it as one.

#[path = "../tests/support/committee.rs"]
mod committee;
#[path = "../tests/support/rng.rs"]
mod rng;
#[path = "../tests/support/vectors.rs"]
mod vectors;

use std::{fs, io};

fn main() -> io::Result<()> {
    for topic in vectors::TOPICS {
        let directory = vectors::directory().join(topic);
        if directory.exists() {
            fs::remove_dir_all(&directory)?;
        }
        fs::create_dir_all(&directory)?;
    }
    for vector in vectors::generate() {
        let path = vectors::directory().join(vector.topic).join(format!("{}.json", vector.name));
        fs::write(path, format!("{:#}\n", vector.value))?;
    }
    Ok(())
}
