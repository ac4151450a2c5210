//! `quorate seat list`: the seats, and who asks for one.

use crate::{
    chain::Chain, committee, exit::Exit, failure::Failure, output::Output, send::line,
    words::moment,
};
use clap::Args;
use serde_json::json;

const AFTER: &str = "What it prints is what one RPC endpoint says at one block. A candidate is a node that has posted its statement and its
quote; `lacks` says what stands between it and a seat.

Example:
  quorate seat list --network network.toml";

/// Shows the seats, and the candidates with what they lack
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct List {
    /// Block from which candidates are searched
    #[arg(long, value_name = "BLOCK", default_value_t = 0)]
    from_block: u64,
}

impl List {
    pub(super) async fn run(
        &self,
        chain: &Chain,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        let seats = committee::seats(chain).await?;
        let candidates = committee::candidates(chain, self.from_block).await?;
        let mut text = String::new();
        line(&mut text, "as of", &chain.as_of());
        for seat in &seats {
            line(&mut text, "seat", &seat.words());
        }
        for candidate in &candidates {
            let until = format!("\nuntil {}", moment(candidate.expires_at));
            line(&mut text, "candidate", &(candidate.words() + &until));
            match candidate.missing.is_empty() {
                true => line(&mut text, "", "lacks nothing"),
                false => {
                    line(&mut text, "", &format!("lacks {}", candidate.missing.join("\nlacks ")))
                }
            }
        }
        if seats.is_empty() && candidates.is_empty() {
            line(&mut text, "seats", "none, and nobody asks for one");
        }
        let fields =
            json!({ "block": chain.head.number, "seats": seats, "candidates": candidates });
        output.answer("quorate.seat.list", fields, &text)?;
        Ok(Exit::Ok)
    }
}
