-- SPDX-FileCopyrightText: The triaged authors
-- SPDX-License-Identifier: Apache-2.0
--
-- Storage Commitment as a provider (PS3.4 J): what peers asked for, what was found, and what they must still be told.

CREATE TABLE commitment (
    id                  INTEGER PRIMARY KEY,
    callingAETitle      TEXT NOT NULL,
    transactionUID      TEXT NOT NULL,
    -- requested: instances are still to be checked; checked: the report is to be brought; reported: the peer took it;
    -- failed: given up after days.
    state               TEXT NOT NULL CHECK (state IN ('requested', 'checked', 'reported', 'failed')),
    -- Reports tried.
    attempts            INTEGER NOT NULL DEFAULT 0,
    -- Monotonic nanoseconds of `boot`; due at once in another boot.
    nextAttemptMonotonic INTEGER NOT NULL DEFAULT 0,
    boot                TEXT NOT NULL DEFAULT '',
    -- Why the last attempt came to nothing.
    reason              TEXT NOT NULL DEFAULT '',
    receivedAt          INTEGER NOT NULL,
    endedAt             INTEGER,
    UNIQUE (callingAETitle, transactionUID)
) STRICT;
CREATE INDEX commitmentByState ON commitment (state);

CREATE TABLE commitmentItem (
    commitment          INTEGER NOT NULL REFERENCES commitment ON DELETE CASCADE,
    -- In the order of the request.
    position            INTEGER NOT NULL,
    sopClassUID         TEXT NOT NULL,
    sopInstanceUID      TEXT NOT NULL,
    -- Failure Reason (0008,1197); 0 where it is committed to, NULL where it is still to be checked.
    failureReason       INTEGER,
    PRIMARY KEY (commitment, position)
) STRICT, WITHOUT ROWID;

-- Files that somebody deleted his own copy for: they are never removed and never expire.
CREATE TABLE committedInstance (
    instance            INTEGER PRIMARY KEY REFERENCES instance ON DELETE RESTRICT,
    committedAt         INTEGER NOT NULL
) STRICT;

-- Files that were found damaged: a copy of the same instance that comes again takes the place of one.
CREATE TABLE damagedInstance (
    instance            INTEGER PRIMARY KEY REFERENCES instance ON DELETE CASCADE,
    foundAt             INTEGER NOT NULL
) STRICT;
