-- SPDX-FileCopyrightText: The triaged authors
-- SPDX-License-Identifier: Apache-2.0
--
-- What modalities and archives say a series consists of: evidence that it has arrived.

CREATE TABLE performedProcedureStep (
    id                  INTEGER PRIMARY KEY,
    sopInstanceUID      TEXT NOT NULL UNIQUE,
    state               TEXT NOT NULL CHECK (state IN ('inProgress', 'completed', 'discontinued')),
    callingAETitle      TEXT NOT NULL,
    createdAt           INTEGER NOT NULL,
    endedAt             INTEGER
) STRICT;

-- One series in one list: of a step that has ended, or of a notification. Its instances go once the series is complete.
CREATE TABLE listing (
    id                  INTEGER PRIMARY KEY,
    source              TEXT NOT NULL CHECK (source IN ('performedProcedureStep', 'instanceAvailability')),
    -- Of the step or the notification.
    sopInstanceUID      TEXT NOT NULL,
    seriesInstanceUID   TEXT NOT NULL,
    at                  INTEGER NOT NULL,
    UNIQUE (seriesInstanceUID, source, sopInstanceUID)
) STRICT;
CREATE INDEX listingByTime ON listing (at);

CREATE TABLE listedInstance (
    listing             INTEGER NOT NULL REFERENCES listing ON DELETE CASCADE,
    sopInstanceUID      TEXT NOT NULL,
    PRIMARY KEY (listing, sopInstanceUID)
) STRICT, WITHOUT ROWID;
