-- SCIM resources as directories see them. `document` is JSON with canonical names; `search` is
-- the same with every value in comparable form, so that plain SQL can filter and sort. No number is
-- ever given out again: who knows one may ask for it in a later transaction.
CREATE TABLE resources (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    organization_id TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    id TEXT NOT NULL,
    document TEXT NOT NULL,
    search TEXT NOT NULL,
    version INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    created INTEGER NOT NULL,
    last_modified INTEGER NOT NULL
);
CREATE UNIQUE INDEX resources_by_id ON resources (id);
CREATE INDEX resources_by_type ON resources (organization_id, resource_type, number);

-- How many of what an organization has, so that nobody has to count them: resources of a type
-- (resource:User), accounts that are wanted in a state (account:active), rows of the log (log).
-- One table, so that whoever changes several writes one page.
CREATE TABLE counts (
    organization_id TEXT NOT NULL,
    counted TEXT NOT NULL,
    total INTEGER NOT NULL,
    PRIMARY KEY (organization_id, counted)
) WITHOUT ROWID;

-- Values that may be there once in an organization and resource type. One is held when a change
-- that the host may yet refuse has given it up: it finds nothing, and nobody else can have it.
CREATE TABLE unique_values (
    organization_id TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    path TEXT NOT NULL,
    value NOT NULL,
    resource INTEGER NOT NULL,
    held INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (organization_id, resource_type, path, value)
) WITHOUT ROWID;
CREATE INDEX unique_values_held ON unique_values (resource) WHERE held;

-- Values, multi-valued ones too, that directories look resources up by.
CREATE TABLE lookup_values (
    organization_id TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    path TEXT NOT NULL,
    value NOT NULL,
    resource INTEGER NOT NULL,
    PRIMARY KEY (organization_id, resource_type, path, value, resource)
) WITHOUT ROWID;

CREATE TABLE memberships (
    group_number INTEGER NOT NULL REFERENCES resources (number) ON DELETE CASCADE,
    member_number INTEGER NOT NULL REFERENCES resources (number) ON DELETE CASCADE,
    PRIMARY KEY (group_number, member_number)
) WITHOUT ROWID;
CREATE INDEX memberships_by_member ON memberships (member_number, group_number);

-- How many times the groups that a resource shows have changed: a part of its entity tag.
CREATE TABLE group_changes (
    member_number INTEGER PRIMARY KEY REFERENCES resources (number) ON DELETE CASCADE,
    total INTEGER NOT NULL
);

-- The host's accounts: what the directory wants, and what the host last confirmed. A row with a
-- `delivery_id` is work still to do.
CREATE TABLE accounts (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    organization_id TEXT NOT NULL,
    id TEXT NOT NULL,
    resource INTEGER REFERENCES resources (number) ON DELETE SET NULL,
    return_key TEXT,
    host_id TEXT,
    wanted TEXT NOT NULL,
    wanted_state TEXT NOT NULL,
    confirmed TEXT,
    confirmed_state TEXT,
    delivery_id TEXT,
    attempt INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    claimed_by TEXT,
    claimed_until INTEGER NOT NULL,
    reason TEXT NOT NULL,
    undo BLOB,
    uncertain INTEGER NOT NULL,
    marked INTEGER NOT NULL
);
CREATE UNIQUE INDEX accounts_by_resource ON accounts (resource) WHERE resource IS NOT NULL;
CREATE INDEX accounts_by_organization ON accounts (organization_id, number);
CREATE INDEX accounts_by_return_key ON accounts (organization_id, return_key)
WHERE return_key IS NOT NULL;
CREATE INDEX accounts_to_deliver ON accounts (due_at) WHERE delivery_id IS NOT NULL;
CREATE INDEX accounts_marked ON accounts (number, organization_id) WHERE marked;

CREATE TABLE tokens (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    name TEXT NOT NULL,
    prefix TEXT NOT NULL,
    digest BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER,
    expires_at INTEGER,
    revoked_at INTEGER,
    refused_at INTEGER,
    nonce TEXT
);
CREATE UNIQUE INDEX tokens_by_id ON tokens (id);
-- A form that is sent again issues no second token.
CREATE UNIQUE INDEX tokens_by_nonce ON tokens (organization_id, nonce) WHERE nonce IS NOT NULL;
-- Revoked tokens are not in it, so that looking one up costs what looking up any wrong one costs.
CREATE UNIQUE INDEX tokens_live ON tokens (digest) WHERE revoked_at IS NULL;
CREATE INDEX tokens_revoked ON tokens (digest) WHERE revoked_at IS NOT NULL;
CREATE INDEX tokens_by_organization ON tokens (organization_id, number);

-- Every override that was ever saved; the one with the highest number is in force.
CREATE TABLE mappings (
    number INTEGER PRIMARY KEY,
    organization_id TEXT NOT NULL,
    content TEXT NOT NULL,
    saved_at INTEGER NOT NULL,
    saved_by TEXT NOT NULL,
    version INTEGER NOT NULL
);
CREATE INDEX mappings_by_organization ON mappings (organization_id, number);

-- Role rules, likewise.
CREATE TABLE role_rules (
    number INTEGER PRIMARY KEY,
    organization_id TEXT NOT NULL,
    content TEXT NOT NULL,
    saved_at INTEGER NOT NULL,
    saved_by TEXT NOT NULL,
    version INTEGER NOT NULL
);
CREATE INDEX role_rules_by_organization ON role_rules (organization_id, number);

-- How far the accounts of an organization are mapped anew since its mapping or role rules were
-- replaced. One is blocked while what is saved does not fit the host.
CREATE TABLE remappings (
    number INTEGER PRIMARY KEY,
    organization_id TEXT NOT NULL UNIQUE,
    cause TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    total INTEGER NOT NULL,
    last INTEGER NOT NULL,
    position INTEGER NOT NULL,
    mapped INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    finished_at INTEGER,
    blocked INTEGER NOT NULL
);
CREATE INDEX remappings_unfinished ON remappings (number)
WHERE finished_at IS NULL AND NOT blocked;

CREATE TABLE provisioning_log (
    number INTEGER PRIMARY KEY,
    organization_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    action TEXT NOT NULL,
    status INTEGER NOT NULL,
    request_id TEXT NOT NULL,
    directory TEXT NOT NULL,
    token_prefix TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    resource_name TEXT NOT NULL,
    scim_type TEXT,
    detail TEXT NOT NULL,
    changes TEXT NOT NULL,
    attributes TEXT NOT NULL,
    members TEXT NOT NULL,
    hook TEXT NOT NULL,
    notes TEXT NOT NULL,
    actor TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    surface TEXT NOT NULL,
    count INTEGER NOT NULL
);
CREATE INDEX provisioning_log_by_organization ON provisioning_log (organization_id, number);

-- What cursors are signed with.
CREATE TABLE secret (value BLOB NOT NULL);
INSERT INTO secret VALUES (randomblob(32));
