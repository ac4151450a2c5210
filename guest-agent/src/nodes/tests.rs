use super::*;
use std::cell::Cell;
use wire::request::RecordReply;

fn problem(code: Code) -> Vec<u8> {
    serde_json::to_vec(&Problem {
        kind: "https://quorate.invalid/problems/x".into(),
        title: "x".into(),
        status: 409,
        detail: "wait for it".into(),
        code,
        denied: None,
    })
    .unwrap()
}

fn answer(status: StatusCode, body: &[u8]) -> Result<RecordReply, AskError> {
    read(status, body)
}

#[test]
fn an_answer_is_a_body_or_words() {
    let good =
        br#"{"outcome":"calldata","to":"0x0000000000000000000000000000000000000001","data":"0x"}"#;
    assert!(answer(StatusCode::OK, good).is_ok());
    let words = |status, body: &[u8]| answer(status, body).unwrap_err().to_string();
    assert!(words(StatusCode::OK, b"{}").starts_with("its answer can't be read"));
    assert_eq!(words(StatusCode::BAD_GATEWAY, b"<html>"), "it answered 502 Bad Gateway");
    let said = words(StatusCode::CONFLICT, &problem(Code::NotRecorded));
    assert_eq!(said, "not_recorded: wait for it");
    // A problem with status 200 is no answer, and a good body with another status neither.
    assert!(words(StatusCode::OK, &problem(Code::NotRecorded)).starts_with("its answer"));
    assert_eq!(words(StatusCode::CREATED, good), "it answered 201 Created");
}

#[test]
fn only_what_may_change_is_asked_again() {
    // [REQ-14]
    let again = |code| answer(StatusCode::CONFLICT, &problem(code)).unwrap_err().again();
    for code in [Code::NotFinal, Code::HeadStale, Code::NotRecorded, Code::RateLimited] {
        assert_eq!(again(code), Again::Yes, "{code:?}");
    }
    assert_eq!(again(Code::AnchorInvalid), Again::AWhile);
    for code in [Code::Denied, Code::QuoteInvalid, Code::InputInvalid, Code::WindowClosed] {
        assert_eq!(again(code), Again::No, "{code:?}");
    }
    let status = |status| answer(status, b"").unwrap_err().again();
    assert_eq!(status(StatusCode::BAD_GATEWAY), Again::Yes);
    assert_eq!(status(StatusCode::NOT_FOUND), Again::No);
}

#[tokio::test]
async fn patience_ends_with_the_last_error() {
    // [REQ-14]
    let asked = Cell::new(0);
    let ask = |code, good_after| {
        let asked = &asked;
        move || {
            asked.set(asked.get() + 1);
            let good = asked.get() > good_after;
            async move { if good { Ok(()) } else { read(StatusCode::CONFLICT, &problem(code)) } }
        }
    };
    let soon = Instant::now() + Duration::from_secs(5);
    let waited = patiently(soon, AskError::again, ask(Code::NotRecorded, 2)).await;
    assert!(waited.is_ok() && asked.get() == 3);

    asked.set(0);
    let denied = patiently(soon, AskError::again, ask(Code::Denied, 2)).await.unwrap_err();
    assert!(denied.code() == Some(Code::Denied) && asked.get() == 1);

    asked.set(0);
    let now = Instant::now();
    let late = patiently(now, AskError::again, ask(Code::NotRecorded, 2)).await.unwrap_err();
    assert!(late.code() == Some(Code::NotRecorded) && asked.get() == 1);
}
