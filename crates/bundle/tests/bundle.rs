//! Bundles of a devnet with software roots, and each way to cheat with one. Spec: docs/spec/bundle.md.

mod bundle {
    mod cases;
    mod headers;
    mod noise;
    mod patch;
    mod states;
    mod tries;
    mod twins;
    mod world;
}
