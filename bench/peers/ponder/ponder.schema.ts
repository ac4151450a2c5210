// What our index keeps of an event, but for raw topics and data, header and receipt.
import { onchainTable } from "ponder";

const place = (t: any) => ({
  id: t.text().primaryKey(),
  blockNumber: t.bigint().notNull(),
  blockHash: t.hex().notNull(),
  transactionIndex: t.integer().notNull(),
  logIndex: t.integer().notNull(),
  contract: t.hex().notNull(),
  composeHash: t.hex().notNull(),
});

export const approved = onchainTable("approved", (t) => ({
  ...place(t),
  appId: t.hex().notNull(),
  effectiveAt: t.bigint().notNull(),
  uri: t.text().notNull(),
  seq: t.bigint().notNull(),
}));

export const added = onchainTable("added", (t) => place(t));
