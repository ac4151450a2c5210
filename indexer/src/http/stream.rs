//! `GET /v1/stream`: events as they are indexed, as server-sent events. A reorg takes back, one by one, every event that it took
//! away; a reader that comes back after one is told the same. [API-3]
//!
//! Nothing is kept per reader but its position, which is also the `id` of what it was sent: where it stands is worked out from the
//! blocks that the index holds, orphaned ones included.

use super::{
    Refused,
    cursor::{read_position, write_position},
    events::AskedFinality,
    filter::{AskedStanding, address, asked_address, height, kind, selection},
    problem::Code,
    shape::{Block, Event, kind_schema},
};
use crate::{
    decode::Kind,
    run::{Service, wait},
    store::{ALL, Cursor, EventRow, Position, Selection, Store},
    views::judges::JudgesOf,
};
use alloy_primitives::Address;
use anyhow::{Context, Result};
use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::HeaderMap,
    response::{IntoResponse, Response, Sse, sse},
};
use futures_util::stream;
use light_client::BlockRef;
use serde::{Deserialize, Serialize};
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tracing::{debug, warn};
use utoipa::{IntoParams, ToSchema};

/// Readers at once.
pub(crate) const MAX_STREAMS: usize = 64;
/// Messages that wait for a reader.
const WINDOW: usize = 64;
/// How long a reader may leave its window full.
const SLOW: Duration = Duration::from_secs(20);
/// Without news, how often the reader hears that the connection lives.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Messages, and blocks, that are worked out at once; no database connection is held while they are sent.
const BATCH: usize = 256;

/// Which events, and from where on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// The contract that emitted it.
    #[serde(default, deserialize_with = "address")]
    #[param(schema_with = asked_address)]
    contract: Option<Address>,
    /// What that contract is.
    #[serde(default, deserialize_with = "kind")]
    #[param(schema_with = kind_schema)]
    kind: Option<Kind>,
    /// The event's name.
    #[param(pattern = "^[A-Za-z][A-Za-z0-9_]{0,63}$")]
    name: Option<String>,
    /// The app that it is about.
    #[serde(default, deserialize_with = "address")]
    #[param(schema_with = asked_address)]
    app: Option<Address>,
    /// Whether a trail commits to it.
    #[param(inline)]
    standing: Option<AskedStanding>,
    /// How final it must be before it is told; what is `finalized` is never taken back.
    #[serde(default)]
    #[param(inline)]
    finality: Level,
    /// Everything from this block on; without it and without a cursor: what comes from now on.
    #[param(minimum = 0, maximum = 9007199254740991_u64)]
    from_block: Option<u64>,
    /// The `id` of the last message. The header `last-event-id` goes before it.
    #[param(pattern = "^02[0-9a-f]{112}$")]
    cursor: Option<String>,
}

/// How final.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    #[default]
    Latest,
    Safe,
    Finalized,
}

impl Level {
    fn asked(self) -> AskedFinality {
        match self {
            Self::Latest => AskedFinality::Latest,
            Self::Safe => AskedFinality::Safe,
            Self::Finalized => AskedFinality::Finalized,
        }
    }
}

/// A message before it has an id.
enum Message {
    Event(Event),
    Retract(Event),
    Finalized(BlockRef),
}

/// What one reader is sent.
struct Feed {
    service: Arc<Service>,
    selection: Selection,
    level: Level,
    position: Position,
    told_finalized: Option<BlockRef>,
    to: mpsc::Sender<sse::Event>,
    _permit: OwnedSemaphorePermit,
}

/// The reader is gone, or too slow.
struct Gone;

/// Events as they are indexed, as server-sent events.
///
/// `event: event` brings an event and `event: retract` takes one back, which a reorg took away; `event: finalized` names the block
/// up to which nothing will be taken back. `data` is the event as `/v1/events` has it, or the block. Each `id` is a cursor: a
/// reader that comes back with it (`last-event-id`) gets what it has missed, retractions included. Events that a policy emitted
/// before an app named it come with the block that names it. What was there before the stream began may be taken back as well: to
/// have it all, begin at `stream_cursor` of a list.
#[utoipa::path(
    get, path = "/v1/stream", tag = "events",
    params(Asked, ("last-event-id" = Option<String>, Header, description = "The `id` of the last message")),
    responses(
        (status = 200, description = "Messages without end", body = String, content_type = "text/event-stream"),
        (status = 409, description = "This index never had the cursor's block", body = super::problem::Problem,
            content_type = "application/problem+json"),
    )
)]
pub(crate) async fn stream(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Refused> {
    let Query(asked) = asked.map_err(|rejection| Refused::malformed(rejection.body_text()))?;
    let selection = selection(asked.contract, asked.kind, asked.name, asked.app, asked.standing)?;
    let last = match headers.get("last-event-id") {
        Some(value) => Some(value.to_str().unwrap_or("?").to_owned()),
        None => asked.cursor,
    };
    let from_block = height("from_block", asked.from_block)?;
    let position = start(&service.store, last.as_deref(), from_block, asked.finality).await?;
    let permit = Arc::clone(&service.streams).try_acquire_owned().map_err(|_| {
        Refused::new(Code::Busy, format!("{MAX_STREAMS} streams are open: come back later"))
    })?;
    let (to, from) = mpsc::channel(WINDOW);
    let feed = Feed {
        service,
        selection,
        level: asked.finality,
        position,
        told_finalized: None,
        to,
        _permit: permit,
    };
    tokio::spawn(feed.run());
    let messages = stream::unfold(from, async |mut from| {
        from.recv().await.map(|message| (Ok::<_, Infallible>(message), from))
    });
    Ok(([("x-accel-buffering", "no")], Sse::new(messages)).into_response())
}

/// Where the reader stands before the first message.
async fn start(
    store: &Store,
    last: Option<&str>,
    from_block: Option<u64>,
    level: Level,
) -> Result<Position, Refused> {
    if let Some(last) = last {
        let position = read_position(last)?;
        return match store.taken_away(position.block).await? {
            Some(_) => Ok(position),
            None => Err(Refused::reorged(position.block, None)),
        };
    }
    let cursor = store.cursor().await?;
    // Above it nothing is told yet, so nothing there can be taken back.
    let newest = level.asked().block(store, &cursor).await?;
    let start = cursor.start;
    let below = match from_block {
        None => newest,
        Some(from) if from > newest.number.saturating_add(1) => {
            return Err(Refused::malformed(format!(
                "from_block: there is nothing above block {} yet, leave it out for what comes",
                newest.number
            )));
        }
        Some(from) if from <= start.number.saturating_add(1) => start,
        Some(from) => {
            let below = from.saturating_sub(1);
            let hash = store.hash_at(below).await?;
            BlockRef::new(below, hash.context("every block up to the head is stored")?)
        }
    };
    Ok(Position::after(below))
}

impl Feed {
    async fn run(mut self) {
        let mut news = self.service.news.subscribe();
        loop {
            news.mark_unchanged();
            match self.catch_up().await {
                Ok(Ok(())) => {}
                Ok(Err(Gone)) => return,
                Err(cause) => {
                    // The reader comes back with its last id.
                    warn!("a stream ends: {cause:#}");
                    return;
                }
            }
            tokio::select! {
                () = wait(self.service.stopped.clone()) => return,
                () = self.to.closed() => return,
                changed = news.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(HEARTBEAT) => {
                    let alive = sse::Event::default().comment("heartbeat");
                    if self.send(alive.id(write_position(self.position))).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Sends what is new, until there is no more.
    async fn catch_up(&mut self) -> Result<Result<(), Gone>> {
        loop {
            let (batch, is_all) = self.batch().await?;
            for (message, position) in batch {
                let (name, data) = match &message {
                    Message::Event(event) => ("event", serde_json::to_string(event)?),
                    Message::Retract(event) => ("retract", serde_json::to_string(event)?),
                    Message::Finalized(block) => {
                        ("finalized", serde_json::to_string(&FinalizedBlock::of(*block))?)
                    }
                };
                let id = write_position(position);
                let sent = self.send(sse::Event::default().event(name).id(id).data(data)).await;
                if sent.is_err() {
                    return Ok(Err(Gone));
                }
            }
            if is_all {
                return Ok(Ok(()));
            }
        }
    }

    async fn send(&self, message: sse::Event) -> Result<(), Gone> {
        match tokio::time::timeout(SLOW, self.to.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Gone),
            Err(_) => {
                debug!("a stream's reader did not read for {SLOW:?}");
                Err(Gone)
            }
        }
    }

    /// The next messages, each with the position after it, and whether that is all. The feed stands after the last one then.
    async fn batch(&mut self) -> Result<(Vec<(Message, Position)>, bool)> {
        let store = self.service.store.moment().await?;
        let cursor = store.cursor().await?;
        let mut batch = Vec::new();
        self.take_back(&store, &cursor, &mut batch).await?;
        let level = self.level.asked().block(&store, &cursor).await;
        let up_to = level.map_err(|_| anyhow::anyhow!("the level's block can't be read"))?;
        let (mut is_all, mut blocks) = (false, 0);
        while !is_all && batch.len() < BATCH && blocks < BATCH {
            is_all = !self.go_on(&store, &cursor, up_to, &mut batch).await?;
            blocks = blocks.saturating_add(1);
        }
        if is_all && self.told_finalized != Some(cursor.finalized) {
            self.told_finalized = Some(cursor.finalized);
            batch.push((Message::Finalized(cursor.finalized), self.position));
        }
        Ok((batch, is_all))
    }

    /// Takes back what reorgs have taken away below the position, newest first.
    async fn take_back(
        &mut self,
        store: &Store,
        cursor: &Cursor,
        batch: &mut Vec<(Message, Position)>,
    ) -> Result<()> {
        let taken = store.taken_away(self.position.block).await?;
        let (taken, common) = taken.context("blocks are kept, orphaned or not")?;
        let mut branch = taken.as_slice();
        while let Some((block, below)) = branch.split_first() {
            let mut rows = store.brought(&self.selection, *block, branch).await?;
            rows.retain(|row| place(row) <= self.position.up_to);
            let judges = JudgesOf::of_rows(store, &rows, Some(block.number)).await?;
            let parent = Position::after(below.first().copied().unwrap_or(common));
            while let Some(row) = rows.pop() {
                self.position = match rows.last() {
                    Some(row) => Position { block: *block, up_to: place(row) },
                    None => parent,
                };
                batch.push((Message::Retract(Event::new(cursor, &row, &judges)), self.position));
            }
            self.position = parent;
            branch = below;
        }
        Ok(())
    }

    /// Brings the rest of the present block, or the next one that brings something. False if there is none up to `up_to`.
    async fn go_on(
        &mut self,
        store: &Store,
        cursor: &Cursor,
        up_to: BlockRef,
        batch: &mut Vec<(Message, Position)>,
    ) -> Result<bool> {
        if self.position.block.number >= up_to.number && self.position.up_to == ALL {
            return Ok(false);
        }
        let (block, seen) = match self.position.up_to {
            ALL => {
                let from = self.position.block.number.saturating_add(1);
                let next = store.next_bringing(&self.selection, from, up_to.number).await?;
                let Some(next) = next else {
                    self.position = Position::after(up_to);
                    return Ok(false);
                };
                (next, None)
            }
            seen => (self.position.block, Some(seen)),
        };
        let mut rows = store.brought(&self.selection, block, &[]).await?;
        rows.retain(|row| seen.is_none_or(|seen| place(row) > seen));
        let judges = JudgesOf::of_rows(store, &rows, Some(block.number)).await?;
        for row in &rows {
            let position = Position { block, up_to: place(row) };
            batch.push((Message::Event(Event::new(cursor, row, &judges)), position));
        }
        self.position = Position::after(block);
        Ok(true)
    }
}

/// Up to which block nothing is taken back any more.
#[derive(Serialize)]
struct FinalizedBlock {
    finalized: Block,
}

impl FinalizedBlock {
    fn of(block: BlockRef) -> Self {
        Self { finalized: block.into() }
    }
}

fn place(row: &EventRow) -> (u64, u64) {
    (row.block.number, row.log_index)
}
