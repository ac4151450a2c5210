use super::*;

const DOCKER_COMPOSE: &str = "services:\n  web:\n    image: nginx@sha256:0000000000000000000000000000000000000000000000000000000000000001\n";

fn agent() -> MeasuredAgent {
    MeasuredAgent {
        app_id: Some([0x11; 20].into()),
        network_hash: [0x22; 32].into(),
        keyset_id: [0x33; 32].into(),
        derive_public_key: vec![2; 33].into(),
        unseal_public_key: vec![3; 33].into(),
        release_at: wire::ReleaseAt::Head,
    }
}

fn compose(quorate: Option<QuorateBlock<'_>>) -> Vec<u8> {
    app_compose(&NewCompose {
        name: "hello",
        docker_compose_file: DOCKER_COMPOSE,
        local_key_provider: false,
        quorate,
    })
    .unwrap()
}

#[test]
fn keys_are_sorted_and_the_docker_compose_text_is_untouched() {
    let agent = agent();
    let bytes = compose(Some(QuorateBlock::Agent(&agent)));
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert!(text.starts_with("{\"allowed_envs\":[],\"docker_compose_file\":\"services:\\n"));
    assert!(text.contains("\"quorate\":{\"app_id\":\"0x11"));
    assert!(!text.ends_with('\n'));
    assert_eq!(docker_compose_of(&bytes).unwrap(), DOCKER_COMPOSE);
    assert_eq!(MeasuredAgent::from_compose(&bytes).unwrap(), agent);
}

#[test]
fn one_space_is_another_hash() {
    let bytes = compose(None);
    let mut spaced = bytes.clone();
    spaced.push(b' ');
    assert_ne!(compose_hash(&bytes), compose_hash(&spaced));
    assert_eq!(
        hex::encode(compose_hash(b"")),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
}

#[test]
fn a_compose_file_that_runs_nothing_is_refused() {
    let refused = app_compose(&NewCompose {
        name: "hello",
        docker_compose_file: "services: {}\n",
        local_key_provider: false,
        quorate: None,
    });
    assert!(matches!(refused, Err(ComposeError::NoImage)));
}

#[test]
fn bytes_that_dstack_could_not_read_are_refused() {
    for bytes in [&b"services:"[..], b"{}", b"[]", b"", &[0xff]] {
        assert!(matches!(docker_compose_of(bytes), Err(ComposeError::Malformed(_))));
    }
}

#[test]
fn images_are_found_however_they_are_written() {
    let text = "
services:
  a:
    image: nginx:1.27 # a tag
  b: { image: 'redis', restart: always }
  c: {\"image\": \"quay.io/x/y@sha256:aa\"}
  - image: \"postgres\"
# image: commented
  d:
    my_image: no
    labels: [image]
";
    let found: Vec<(usize, String)> =
        images(text).into_iter().map(|image| (image.line, image.reference)).collect();
    assert_eq!(
        found,
        [
            (4, "nginx:1.27".to_owned()),
            (5, "redis".to_owned()),
            (6, "quay.io/x/y@sha256:aa".to_owned()),
            (7, "postgres".to_owned()),
        ]
    );
}

#[test]
fn only_a_whole_digest_pins() {
    let pinned =
        |reference: &str| ImageReference { reference: reference.into(), line: 1 }.is_pinned();
    let digest = "ab".repeat(32);
    assert!(pinned(&format!("nginx@sha256:{digest}")));
    assert!(pinned(&format!("nginx:1.27@sha256:{digest}")));
    assert!(!pinned("nginx:1.27"));
    assert!(!pinned("nginx"));
    assert!(!pinned(&format!("nginx@sha256:{}", &digest[..62])));
    assert!(!pinned(&format!("nginx@sha256:{}zz", &digest[..62])));
}
