//! The first frame of a run: a STATICCALL, with exactly the gas that it is given.
//! Spec: docs/spec/policy.md [POL-3]. revm's own handler opens a CALL; this one differs from it in that alone.

use crate::database::{NoFact, ProvenDatabase};
use revm::{
    MainnetEvm,
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

pub(crate) type ProvenContext<'a> =
    Context<BlockEnv, TxEnv, CfgEnv, ProvenDatabase<'a>, revm::Journal<ProvenDatabase<'a>>, ()>;
pub(crate) type ProvenEvm<'a> = MainnetEvm<ProvenContext<'a>>;
pub(crate) type RunError = EVMError<NoFact>;

/// revm's handler with a static first frame.
#[derive(Debug, Default)]
pub(crate) struct StaticEntry<'a>(PhantomData<&'a ()>);

impl<'a> Handler for StaticEntry<'a> {
    type Evm = ProvenEvm<'a>;
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
pub(crate) fn warm(evm: &mut ProvenEvm<'_>, caller: Address) {
    let journal = evm.ctx_mut().journal_mut();
    journal.warm_access_list(AddressMap::from_iter([(caller, HashSet::default())]));
}
