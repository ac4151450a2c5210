//! What a sending verb writes instead of sending: calldata, or a batch for a Safe.

use super::{
    Facts, dry_run, line, lines,
    plan::{Outcome, Plan},
    safe_batch::safe_batch,
};
use crate::{chain::Chain, decode::Interfaces, exit::Exit, failure::Failure, file, output::Output};
use serde_json::{Value, json};
use std::path::PathBuf;

/// The form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Out {
    /// The calldata alone on stdout.
    Calldata,
    /// A file for Safe's Transaction Builder; `-` is stdout.
    SafeBatch(PathBuf),
}

impl Out {
    pub(crate) fn parse(word: &str) -> Result<Self, String> {
        match word.split_once('=') {
            None if word == "calldata" => Ok(Self::Calldata),
            Some(("safe-batch", path)) if !path.is_empty() => Ok(Self::SafeBatch(path.into())),
            _ => Err("calldata, or safe-batch=FILE".to_owned()),
        }
    }

    /// Shows the plan on stderr and writes the call; one that the chain would refuse is not written.
    pub(super) fn write(
        &self,
        (chain, interfaces): (&Chain, &Interfaces),
        plan: &Plan,
        assumed: Option<&'static str>,
        (schema, facts): (&'static str, Facts),
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        if let Outcome::Reverts { .. } = plan.outcome {
            return dry_run(plan, assumed, schema, facts, output);
        }
        output.show(&format!("{}{}", plan.text(assumed), lines(&facts)))?;
        let mut fields = plan.to_json();
        fields.extend(facts.fields.clone());
        let text = match self {
            Self::Calldata => format!("{}\n", plan.call.calldata),
            Self::SafeBatch(path) => {
                let calls = std::slice::from_ref(&plan.call);
                let batch = safe_batch(chain, interfaces, plan.sender, calls);
                let written =
                    format!("{}\n", serde_json::to_string_pretty(&batch).unwrap_or_default());
                fields.insert("safeBatch".into(), batch.clone());
                if path.as_os_str() == "-" {
                    written
                } else {
                    file::write(path, written.as_bytes())?;
                    written_words(path, &batch, &mut fields)
                }
            }
        };
        output.answer(schema, Value::Object(fields), &text)?;
        Ok(Exit::Ok)
    }
}

fn written_words(
    path: &std::path::Path,
    batch: &Value,
    fields: &mut serde_json::Map<String, Value>,
) -> String {
    fields.insert("file".into(), json!(path));
    let mut text = String::new();
    let checksum = batch["meta"]["checksum"].as_str().unwrap_or_default();
    line(&mut text, "written to", &path.display().to_string());
    line(&mut text, "checksum", checksum);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_named_in_full() {
        assert_eq!(Out::parse("calldata"), Ok(Out::Calldata));
        assert_eq!(Out::parse("safe-batch=a=b.json"), Ok(Out::SafeBatch("a=b.json".into())));
        for wrong in ["", "safe-batch", "safe-batch=", "safe=x", "calldata=x"] {
            assert!(Out::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
