//! `quorate epoch show`: the epoch in force and the running ceremony, seat by seat.

use crate::{
    chain::Chain,
    committee::{self, Ceremony, Keyset, Progress},
    exit::Exit,
    failure::Failure,
    output::Output,
    send::line,
};
use clap::Args;
use serde_json::json;

const AFTER: &str = "What it prints is what one RPC endpoint says at one block.

Example:
  quorate epoch show --network network.toml";

/// Shows the epoch in force and the running ceremony
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct Show {}

impl Show {
    pub(super) async fn run(
        &self,
        chain: &Chain,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        let keyset = committee::keyset(chain).await?;
        let ceremony = committee::ceremony(chain).await?;
        let mut text = String::new();
        line(&mut text, "as of", &chain.as_of());
        line(&mut text, "in force", &in_force(keyset.as_ref()));
        line(&mut text, "ceremony", &running(ceremony.as_ref()));
        for seat in ceremony.iter().flat_map(|ceremony| &ceremony.seats) {
            line(&mut text, "seat", &progress(seat));
        }
        let fields = json!({ "block": chain.head.number, "inForce": keyset, "ceremony": ceremony });
        output.answer("quorate.epoch.show", fields, &text)?;
        Ok(Exit::Ok)
    }
}

fn in_force(keyset: Option<&Keyset>) -> String {
    let Some(keyset) = keyset else { return "no epoch yet".to_owned() };
    let numbers = |seats: &[u16]| -> String {
        seats.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
    };
    format!(
        "epoch {}: any {} of seats {}\nconfirmed by {}",
        keyset.epoch,
        keyset.t,
        numbers(&keyset.recipients),
        numbers(&keyset.members)
    )
}

fn running(ceremony: Option<&Ceremony>) -> String {
    let Some(ceremony) = ceremony else { return "none".to_owned() };
    let Ceremony { epoch, t, step, deadline, session, .. } = ceremony;
    format!(
        "of epoch {epoch}, any {t} of the seats: {step}, until block {deadline}\nsession {session}"
    )
}

fn progress(seat: &Progress) -> String {
    let said =
        [(seat.has_key, "key"), (seat.has_dealt, "dealing"), (seat.has_confirmed, "confirmation")];
    let said: Vec<&str> =
        said.into_iter().filter(|(is_in, _)| *is_in).map(|(_, what)| what).collect();
    let said = if said.is_empty() { "nothing yet".to_owned() } else { said.join(", ") };
    let refused = match seat.refused_seat {
        0 => String::new(),
        other => format!(", REFUSED seat {other}"),
    };
    let suspended = if seat.is_suspended { ", SUSPENDED" } else { "" };
    format!("{} {} of {}: {said}{refused}{suspended}", seat.seat, seat.vendor, seat.operator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_is_shown_by_what_it_has_said() {
        let mut seat = Progress {
            seat: 2,
            vendor: "soft-b".into(),
            operator: "operator-2".into(),
            is_suspended: false,
            has_key: false,
            has_dealt: false,
            has_confirmed: false,
            refused_seat: 0,
        };
        assert_eq!(progress(&seat), "2 soft-b of operator-2: nothing yet");
        (seat.has_key, seat.refused_seat, seat.is_suspended) = (true, 3, true);
        assert_eq!(progress(&seat), "2 soft-b of operator-2: key, REFUSED seat 3, SUSPENDED");
    }
}
