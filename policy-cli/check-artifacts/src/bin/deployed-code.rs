//! The code that a contract's sources compile to, as JSON on stdout: what `quorate verify source` compares with the chain.
//! usage: deployed-code ROOT SOURCE NAME. Exit 3: something is not installed.

use check_artifacts::{CompileError, deployed_code};
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [root, source, name] = arguments.as_slice() else {
        eprintln!("usage: deployed-code ROOT SOURCE NAME");
        return ExitCode::from(2);
    };
    match deployed_code(Path::new(root), source, name) {
        Ok(code) => match serde_json::to_string(&code) {
            Ok(text) => {
                println!("{text}");
                ExitCode::SUCCESS
            }
            Err(error) => failed(&error, 1),
        },
        Err(error @ CompileError::NotInstalled { .. }) => failed(&error, 3),
        Err(error) => failed(&error, 1),
    }
}

fn failed(error: &dyn std::error::Error, code: u8) -> ExitCode {
    eprintln!("{error}");
    ExitCode::from(code)
}
