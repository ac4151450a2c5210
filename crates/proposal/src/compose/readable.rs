//! An app-compose.json with a line per setting and its texts unfolded: the hash is over one long line, which nobody reads.

use crate::Sorted;
use serde_json::Value;
use std::{collections::BTreeMap, fmt::Write as _};

/// The settings, a line each, and every text of more than one line below them, as it stands. `None`: no JSON object.
pub fn readable(app_compose: &str) -> Option<String> {
    let Ok(Value::Object(settings)) = serde_json::from_str(app_compose) else { return None };
    let (mut lines, mut texts) = (String::new(), String::new());
    let settings: BTreeMap<&String, &Value> = settings.iter().collect();
    for (key, value) in settings {
        match value {
            Value::String(text) if text.contains('\n') => {
                let _ = writeln!(texts, "\n{key}:\n{}", text.trim_end_matches('\n'));
            }
            Value::Object(_) => {
                let block =
                    serde_json::to_string_pretty(&Sorted::from(value.clone())).unwrap_or_default();
                let _ = writeln!(lines, "{key}: {block}");
            }
            _ => {
                let _ = writeln!(lines, "{key}: {value}");
            }
        }
    }
    Some(format!("{lines}{texts}"))
}

#[cfg(test)]
mod tests {
    use super::readable;

    #[test]
    fn settings_have_a_line_each_and_texts_are_unfolded() {
        let text = r#"{"a":1,"docker_compose_file":"services:\n  web: {}\n","b":{"c":true}}"#;
        let expected =
            "a: 1\nb: {\n  \"c\": true\n}\n\ndocker_compose_file:\nservices:\n  web: {}\n";
        assert_eq!(readable(text).as_deref(), Some(expected));
        for other in ["", "[1]", "services:\n  web: {}"] {
            assert_eq!(readable(other), None, "{other}");
        }
    }
}
