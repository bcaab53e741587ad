-- The latest request of each organization's directory that had a valid token.
CREATE TABLE connections (
    organization_id TEXT PRIMARY KEY,
    directory TEXT NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    status INTEGER NOT NULL
) WITHOUT ROWID;

-- The log by time, by what was done and by user; each index ends with the row's number.
CREATE INDEX provisioning_log_by_time ON provisioning_log (organization_id, at);
CREATE INDEX provisioning_log_by_action ON provisioning_log (organization_id, action, at, number, count);
CREATE INDEX provisioning_log_by_resource ON provisioning_log (organization_id, resource_id, at)
WHERE resource_id <> '';
CREATE INDEX provisioning_log_by_name
ON provisioning_log (organization_id, resource_name COLLATE NOCASE, at)
WHERE resource_name <> '';
