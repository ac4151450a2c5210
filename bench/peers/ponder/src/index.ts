import { ponder } from "ponder:registry";
import { added, approved } from "ponder:schema";

const place = (event: any) => ({
  id: event.id,
  blockNumber: event.block.number,
  blockHash: event.block.hash,
  transactionIndex: event.transaction.transactionIndex,
  logIndex: event.log.logIndex,
  contract: event.log.address,
});

ponder.on("Policy:ComposeHashApproved", async ({ event, context }) => {
  await context.db.insert(approved).values({ ...place(event), ...event.args });
});

ponder.on("Policy:ComposeHashAdded", async ({ event, context }) => {
  await context.db.insert(added).values({ ...place(event), ...event.args });
});
