//! What one authorize and one release cost a node, over the sum of their primitives, in one run.
//!
//!     cargo run --release -p bench --bin node_cost
//!
//! The network, the quote, the shares and the proven state are real: a devnet comes up inside this process, an enclave boots,
//! and its very request is judged again and again over state that is proven already. Two sums: the key derivation's own
//! primitives (quote verification by dcap-qvl, hash to curve, two multiplications in constant time, one proof of equal
//! logarithms), and with what the protocol makes a node compute besides (the check of the proof of r, two ECDSA signatures,
//! keccak256 of the evidence).

use alloy::primitives::{Address, B256};
use anyhow::{Context, Result};
use bench::{Facts, best_of, node_of};
use dcap_qvl::{QuoteCollateralV3, configs::RingConfig, verify::QuoteVerifier};
use getrandom::{SysRng, rand_core::UnwrapErr};
use k256::{NonZeroScalar, ProjectivePoint, elliptic_curve::Generate};
use kms_core::{
    Budget,
    authorize::{Signer, authorize},
    judge,
    judge::{Judge, Purpose},
    release::{Outcome, release},
};
use std::hint::black_box;
use threshold::{
    blind::{Blinding, RequestContext, verify_request},
    input::hash_to_curve,
};
use wire::{report_data::words, statements::issuance_id};

/// As many blocks as a devnet's nodes allow.
const WINDOW_BLOCKS: u64 = 250;

struct Unlimited;

impl Budget for Unlimited {
    fn take(&mut self, _: Address, _: B256, _: B256) -> bool {
        true
    }
}

fn main() -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let bench = runtime.block_on(bench::network())?;
    let node = runtime.block_on(node_of(&bench))?;
    let mut facts = Facts::new(runtime.handle().clone(), bench.url().to_owned());
    let mut chain = runtime.block_on(bench::proven_chain(&bench))?;
    let request = bench.request();

    let who = Judge { network: &node.network, seat: node.seat, signer: node.key.address() };
    let signer = Signer { network: &node.network, seat: node.seat, key: &node.key };
    let mut rng = UnwrapErr(SysRng);
    // Once with fetching, so that everything is proven; from then on nothing is missing.
    let judged = facts
        .run(&mut chain, |chain| judge(&who, Purpose::Authorize, request, chain, &mut Unlimited))?;
    facts.run(&mut chain, |chain| authorize(&signer, &judged, chain))?;
    let released = facts.run(&mut chain, |chain| {
        release(&signer, &judged, chain, &node.shares, WINDOW_BLOCKS, &mut UnwrapErr(SysRng))
    })?;
    anyhow::ensure!(matches!(released, Outcome::Released(_)), "no release: {released:?}");

    let cost = best_of(|| {
        let judged = judge(&who, Purpose::Authorize, request, &chain, &mut Unlimited);
        let judged = judged.expect("it was judged before");
        black_box(authorize(&signer, &judged, &chain).expect("it was authorized before"));
        let released = release(&signer, &judged, &chain, &node.shares, WINDOW_BLOCKS, &mut rng);
        black_box(released.expect("it was released before"));
    });
    let judging = best_of(|| {
        let judged = judge(&who, Purpose::Authorize, request, &chain, &mut Unlimited);
        black_box(judged.expect("it was judged before"));
    });

    let authorizing = best_of(|| {
        black_box(authorize(&signer, &judged, &chain).expect("it was authorized before"));
    });
    let releasing = best_of(|| {
        let released = release(&signer, &judged, &chain, &node.shares, WINDOW_BLOCKS, &mut rng);
        black_box(released.expect("it was released before"));
    });

    let quote = quote_cost(request, chain.time().0)?;
    let x = b"the length of an input x, about a hundred and twenty bytes, as in enc(label, keyset, app, scope, version)";
    let hash = best_of(|| {
        black_box(hash_to_curve(black_box(x)));
    });
    let scalar = NonZeroScalar::generate_from_rng(&mut rng);
    let point = ProjectivePoint::mul_by_generator(&scalar);
    let multiplication = best_of(|| {
        black_box(black_box(point) * black_box(*scalar));
    });
    let generator = best_of(|| {
        black_box(ProjectivePoint::mul_by_generator(black_box(&scalar)));
    });
    // A proof of equal logarithms commits in both bases: k·G and k·B.
    let proof = generator + multiplication;
    let sum = quote + hash + 2.0 * multiplication + proof;
    let proof_of_r = proof_of_r_cost(x)?;
    let domain = node.network.issuance_domain(node.issuance_log);
    let signature = best_of(|| {
        black_box(node.key.sign(node.seat, domain, judged.issuance()).is_ok());
    });
    let evidence_hash = best_of(|| {
        black_box(request.evidence.hash());
    });
    let demanded = sum + proof_of_r + 2.0 * signature + evidence_hash;

    println!("quote verification (dcap-qvl)     {quote:8.1} µs");
    println!("hash to curve                     {hash:8.1} µs");
    println!("two constant-time multiplications {:8.1} µs", 2.0 * multiplication);
    println!("proof (k·G and k·B)               {proof:8.1} µs");
    println!("sum of primitives                 {sum:8.1} µs");
    println!("check of the proof of r           {proof_of_r:8.1} µs");
    println!("two signatures (ECDSA, EIP-712)   {:8.1} µs", 2.0 * signature);
    println!("keccak256 of the evidence         {evidence_hash:8.1} µs");
    println!("sum with these                    {demanded:8.1} µs");
    println!("judge                             {judging:8.1} µs");
    println!("authorize (two policy runs, sign) {authorizing:8.1} µs");
    println!("release (two policy runs, sign)   {releasing:8.1} µs");
    println!("judge + authorize + release       {cost:8.1} µs");
    println!("ratio to the primitives           {:8.2}", cost / sum);
    println!("ratio to all that is demanded     {:8.2}", cost / demanded);
    let id = issuance_id(31337, node.issuance_log, words(&bench.report_data()?));
    anyhow::ensure!(id == judged.issuance_id(), "another request was judged");
    runtime.block_on(bench.stop())
}

/// What it costs to check that B was blinded from H(x).
fn proof_of_r_cost(x: &[u8]) -> Result<f64> {
    let base = hash_to_curve(x);
    let context = RequestContext { report_data: &[7; 64], input_index: 0 };
    let mut rng = UnwrapErr(SysRng);
    let (blinded, _) = Blinding::new(&base, &mut rng).bind(&context, &mut rng);
    verify_request(&blinded, &base, &context).context("an own proof")?;
    Ok(best_of(|| {
        black_box(verify_request(black_box(&blinded), &base, &context).is_ok());
    }))
}

fn quote_cost(request: &wire::request::KeyRequest, now: u64) -> Result<f64> {
    let collateral: QuoteCollateralV3 = serde_json::from_str(&request.evidence.collateral)?;
    let raw = evidence::RawEvidence::new(request.evidence.clone())?;
    let root = raw.claimed_root()?;
    let verifier = QuoteVerifier::<RingConfig>::new_with_config(root.der().to_vec());
    let quote = &request.evidence.quote;
    let verify = || verifier.verify(quote, &collateral, now);
    verify().ok().context("the quote does not verify")?;
    Ok(best_of(|| {
        black_box(verify().is_ok());
    }))
}
