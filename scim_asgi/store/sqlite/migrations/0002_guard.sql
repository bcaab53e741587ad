-- What the guard against mass deactivation counts. `closed_at` is when an account that was wanted
-- open became one that is not, `deleted_at` when it became one that is to be deleted; what is
-- taken back counts no more. `held_since` says that a closing was held, `held_change` what it was,
-- `released_until` that an operator has let it through.
ALTER TABLE accounts ADD COLUMN closed_at INTEGER;
ALTER TABLE accounts ADD COLUMN deleted_at INTEGER;
ALTER TABLE accounts ADD COLUMN held_since INTEGER;
ALTER TABLE accounts ADD COLUMN held_change TEXT;
ALTER TABLE accounts ADD COLUMN released_until INTEGER NOT NULL DEFAULT 0;
CREATE INDEX accounts_closed ON accounts (organization_id, closed_at, released_until)
WHERE closed_at IS NOT NULL;
CREATE INDEX accounts_deleted ON accounts (organization_id, deleted_at, released_until)
WHERE deleted_at IS NOT NULL;
CREATE INDEX accounts_held ON accounts (organization_id) WHERE held_since IS NOT NULL;

-- Deliveries that are due at the same time are made in the order in which they came up.
DROP INDEX accounts_to_deliver;
-- The organization is in it so that they are counted without a look at the table.
CREATE INDEX accounts_to_deliver ON accounts (due_at, delivery_id, organization_id)
WHERE delivery_id IS NOT NULL;
