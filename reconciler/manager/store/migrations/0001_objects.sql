-- One row per object, as in SwarmKit's store: the object is JSON, what is looked up stands beside it.
CREATE TABLE manager (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    cluster_id TEXT NOT NULL,
    node_id TEXT NOT NULL,
    created_at REAL NOT NULL,
    version_index INTEGER NOT NULL
) STRICT;

CREATE TABLE services (id TEXT PRIMARY KEY, version INTEGER NOT NULL, object TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE tasks (id TEXT PRIMARY KEY, version INTEGER NOT NULL, object TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE nodes (id TEXT PRIMARY KEY, version INTEGER NOT NULL, object TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE networks (id TEXT PRIMARY KEY, version INTEGER NOT NULL, object TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- Bytes of configs are plain; bytes of secrets are sealed (nonce, then AES-256-GCM over them, bound to the id).
CREATE TABLE configs (id TEXT PRIMARY KEY, version INTEGER NOT NULL, object TEXT NOT NULL, data BLOB NOT NULL) STRICT;
CREATE TABLE secrets (id TEXT PRIMARY KEY, version INTEGER NOT NULL, object TEXT NOT NULL, data BLOB NOT NULL) STRICT;
