//! What each step of a key's path costs. `cargo bench -p threshold`.

#[path = "../tests/support/committee.rs"]
mod committee;
#[path = "../tests/support/rng.rs"]
mod rng;

use committee::{CONTEXT, Committee, REPORT_DATA, ask, recipients};
use criterion::{Criterion, criterion_group, criterion_main};
use rng::SeededRng;
use std::hint::black_box;
use threshold::{
    SecretKind,
    blind::{Blinding, RequestContext, verify_request},
    ceremony::{Ceremony, UncheckedDealing},
    input::hash_to_curve,
    partial::PartialStatement,
    tdh2::{ExpectedLabel, SealLabel, seal},
};

const X: &[u8] = b"the input of some app";

fn request(criterion: &mut Criterion) {
    let rng = &mut SeededRng::new("bench");
    let base = hash_to_curve(X);
    let context = RequestContext { report_data: &REPORT_DATA, input_index: 0 };
    criterion.bench_function("hash to curve", |bench| bench.iter(|| hash_to_curve(black_box(X))));
    criterion.bench_function("blind and prove", |bench| {
        bench.iter(|| Blinding::new(&base, rng).bind(&context, rng));
    });
    let (request, _) = Blinding::new(&base, rng).bind(&context, rng);
    criterion.bench_function("verify request", |bench| {
        bench.iter(|| verify_request(black_box(&request), &base, &context));
    });
}

fn answer(criterion: &mut Criterion) {
    let committee = Committee::three_of_five();
    let asked = ask(&hash_to_curve(X), "bench");
    let share = committee.nodes[0].of(SecretKind::Derive);
    let rng = &mut SeededRng::new("bench");
    criterion.bench_function("evaluate and prove", |bench| {
        bench.iter(|| share.evaluate(black_box(&asked.verified), &CONTEXT, rng));
    });
    let answers = committee.answers(&asked);
    let statement = PartialStatement {
        context: &CONTEXT,
        secret: SecretKind::Derive,
        input_index: 0,
        seat: answers[0].seat,
        share_key: answers[0].share_key,
        blinded: asked.verified.point(),
    };
    criterion.bench_function("verify partial", |bench| {
        bench.iter(|| black_box(&answers[0].partial).verify(&statement));
    });
    criterion.bench_function("combine t = 3", |bench| {
        bench.iter(|| committee.combine(&asked, black_box(&answers[..3])));
    });
    let (public_key, label) = (
        committee.public_key(SecretKind::Unseal),
        SealLabel { keyset_id: [1; 32], app_id: [2; 20], secret_id: [3; 32], policy: None },
    );
    criterion.bench_function("seal", |bench| {
        bench.iter(|| seal(&public_key, black_box(&label), b"secret", rng));
    });
    let header = seal(&public_key, &label, b"secret", rng).expect("small").header;
    let expected = ExpectedLabel {
        keyset_id: label.keyset_id,
        app_id: label.app_id,
        secret_id: label.secret_id,
        policy: [0; 20],
    };
    criterion.bench_function("check ciphertext", |bench| {
        bench.iter(|| black_box(&header).check(&expected));
    });
}

fn ceremony(criterion: &mut Criterion) {
    let rng = &mut SeededRng::new("bench");
    let seats = [1, 2, 3, 4, 5];
    let (members, secrets) = recipients(&seats, rng);
    let ceremony = Ceremony::genesis(committee::SESSION, 1, 3, members).expect("a sound shape");
    criterion.bench_function("deal 3 of 5", |bench| bench.iter(|| ceremony.deal(1, rng)));
    let bytes = ceremony.deal(1, rng).expect("a dealer").to_bytes();
    criterion.bench_function("decode, verify and open a dealing 3 of 5", |bench| {
        bench.iter(|| {
            let dealing = UncheckedDealing::decode(black_box(&bytes)).expect("an encoding");
            let verified = dealing.verify(&ceremony, 1).expect("an honest dealing");
            verified.open(1, &secrets[0]).expect("an honest sub-share")
        });
    });
}

criterion_group!(benches, request, answer, ceremony);
criterion_main!(benches);
