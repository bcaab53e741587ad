-- The fields of the account type, with what each can hold, and the roles of the product that last
-- ran with hooks, as JSON.
CREATE TABLE host (
    number INTEGER PRIMARY KEY CHECK (number = 1),
    account_fields TEXT NOT NULL,
    roles TEXT NOT NULL
);
