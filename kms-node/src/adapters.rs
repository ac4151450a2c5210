//! The outside world: RPC endpoints, the gas wallet, the database.

pub(crate) mod rpc;
pub(crate) mod sender;
pub(crate) mod store;
