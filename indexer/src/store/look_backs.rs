//! What is still to be read of the time before a contract was followed, and how far that is. Spec: docs/spec/index.md [IDX-15].

use super::{NewEvent, NewReceipt, Query, Store, WATCHED, Watched, watched, watched_row};
use anyhow::{Result, ensure};

impl Store {
    /// The contracts of which something is to be read yet, or whose members are to be followed yet, in a fixed order.
    pub(crate) async fn unread(&self) -> Result<Vec<Watched>> {
        let query = Query::new(
            "SELECT w.* FROM watched w JOIN blocks b ON b.hash = w.since_hash AND b.canonical = 1
             WHERE w.unread IS NOT NULL ORDER BY w.address, w.since_hash, w.since_log",
        );
        self.fetch(query).await?.iter().map(watched).collect()
    }

    /// Headers of canonical blocks below `below`, RLP, downwards to `lowest`, at most `limit`.
    pub(crate) async fn headers_down(
        &self,
        below: u64,
        lowest: u64,
        limit: u32,
    ) -> Result<Vec<Vec<u8>>> {
        let query = Query::new(
            "SELECT header FROM blocks WHERE canonical = 1 AND number >= $1 AND number < $2
             ORDER BY number DESC LIMIT $3",
        );
        let rows = self.fetch(query.bind(lowest).bind(below).bind(limit)).await?;
        rows.iter().map(|row| row.bytes("header")).collect()
    }

    /// Keeps what was read for a contract, and from where it goes on; at its end (0) with the height from which it counts, which
    /// no block had yet: whoever follows the index gets it with that block.
    pub(crate) async fn keep_read(
        &self,
        of: &Watched,
        events: &[NewEvent],
        receipts: &[NewReceipt],
        unread: u64,
    ) -> Result<()> {
        let chain_id = self.cursor().await?.chain_id;
        let mut write = self.write().await?;
        write.insert_events(chain_id, events.iter(), receipts.iter()).await?;
        let query = Query::new(
            "UPDATE watched SET unread = $1, told_with = CASE WHEN $1 > 0 THEN told_with
                ELSE (SELECT MAX(number) + 1 FROM blocks) END
             WHERE address = $2 AND since_hash = $3 AND since_log = $4 AND unread >= $1",
        );
        let query = query.bind(unread).bind(of.address).bind(of.since.hash).bind(of.since_log);
        ensure!(write.execute(query).await? == 1, "{} is not to be read any more", of.address);
        write.commit().await
    }

    /// The members of a contract that was read to the end are followed from now on: nothing of it is left to do.
    pub(crate) async fn follow_members(&self, of: &Watched, members: &[Watched]) -> Result<()> {
        let mut write = self.write().await?;
        write.insert(&WATCHED, members.iter().map(watched_row).collect()).await?;
        let query = Query::new(
            "UPDATE watched SET unread = NULL
             WHERE address = $1 AND since_hash = $2 AND since_log = $3 AND unread = 0",
        );
        let query = query.bind(of.address).bind(of.since.hash).bind(of.since_log);
        write.execute(query).await?;
        write.commit().await
    }

    /// Whether blocks at heights from `first` to `last` were stored and taken away.
    pub(crate) async fn has_orphans(&self, first: u64, last: u64) -> Result<bool> {
        let query = Query::new(
            "SELECT 1 FROM blocks WHERE number >= $1 AND number <= $2 AND canonical = 0 LIMIT 1",
        );
        Ok(self.fetch_one(query.bind(first).bind(last)).await?.is_some())
    }
}
