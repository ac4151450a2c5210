//! The first frame of a run: a STATICCALL, with exactly the gas that it is given.
//! Spec: docs/spec/policy.md [POL-3]. revm's own handler opens a CALL; this one differs from it in that alone.
//! [`CallEntry`] is revm's own, for simulations, which change state.

use crate::database::NoFact;
use revm::{
    Database, MainnetEvm,
    context::{BlockEnv, CfgEnv, Context, ContextTr, JournalTr, LocalContextTr, TxEnv},
    context_interface::{
        Cfg,
        result::{EVMError, HaltReason},
    },
    handler::{EvmTr, Handler, execution::create_init_frame},
    interpreter::{
        CallScheme, FrameInput, GasTracker, SharedMemory, interpreter_action::FrameInit,
    },
    primitives::{Address, AddressMap, HashSet},
};
use std::marker::PhantomData;

pub(crate) type RunContext<DB> = Context<BlockEnv, TxEnv, CfgEnv, DB, revm::Journal<DB>, ()>;
pub(crate) type RunEvm<DB> = MainnetEvm<RunContext<DB>>;
pub(crate) type RunError = EVMError<NoFact>;

/// revm's handler with a static first frame.
#[derive(Debug)]
pub(crate) struct StaticEntry<DB>(PhantomData<DB>);

/// revm's handler as it is.
#[derive(Debug)]
pub(crate) struct CallEntry<DB>(PhantomData<DB>);

impl<DB> Default for StaticEntry<DB> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<DB> Default for CallEntry<DB> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<DB: Database<Error = NoFact>> Handler for CallEntry<DB> {
    type Evm = RunEvm<DB>;
    type Error = RunError;
    type HaltReason = HaltReason;
}

impl<DB: Database<Error = NoFact>> Handler for StaticEntry<DB> {
    type Evm = RunEvm<DB>;
    type Error = RunError;
    type HaltReason = HaltReason;

    fn first_frame_input(
        &mut self,
        evm: &mut Self::Evm,
        gas: &mut GasTracker,
    ) -> Result<Option<FrameInit>, RunError> {
        let context = evm.ctx_mut();
        let mut memory =
            SharedMemory::new_with_buffer(context.local().shared_memory_buffer().clone());
        memory.set_memory_limit(context.cfg().memory_limit());
        let Some(mut frame_input) = create_init_frame(context, gas)? else {
            return Ok(None);
        };
        if let FrameInput::Call(call) = &mut frame_input {
            call.scheme = CallScheme::StaticCall;
            call.is_static = true;
        }
        Ok(Some(FrameInit { depth: 0, memory, frame_input }))
    }
}

/// Warms the calling contract: on the chain it is running, so access to it is never cold.
pub(crate) fn warm<DB: Database<Error = NoFact>>(evm: &mut RunEvm<DB>, caller: Address) {
    let journal = evm.ctx_mut().journal_mut();
    journal.warm_access_list(AddressMap::from_iter([(caller, HashSet::default())]));
}
