-- SPDX-FileCopyrightText: The triaged authors
-- SPDX-License-Identifier: Apache-2.0
--
-- Proof of delivery that goes on after a restart, what was asked of whom, and what is taken back.

-- What comes next for an object that its destination took (state 'sent'), when nextAttemptMonotonic falls due: 'commit' asks
-- for storage commitment, 'report' waits for the report of the last such request, 'confirm' asks by a query; '' nothing.
ALTER TABLE delivery ADD COLUMN nextProof TEXT NOT NULL DEFAULT '' CHECK (nextProof IN ('', 'commit', 'report', 'confirm'));
-- Attempts at a proof, of all kinds.
ALTER TABLE delivery ADD COLUMN proofAttempts INTEGER NOT NULL DEFAULT 0;
-- What the destination, or the way to it, said to the last of them.
ALTER TABLE delivery ADD COLUMN proofComment TEXT NOT NULL DEFAULT '';
UPDATE delivery SET nextProof = 'confirm', nextAttemptMonotonic = 0 WHERE state = 'sent';
CREATE INDEX deliveryProof ON delivery (destination) WHERE state = 'sent' AND nextProof <> '';

-- Transaction UIDs of our requests for storage commitment. Kept when a later request names the object again: the report on
-- an earlier one is as good a proof.
CREATE TABLE deliveryTransaction (
    transactionUID      TEXT NOT NULL,
    delivery            INTEGER NOT NULL REFERENCES delivery ON DELETE CASCADE,
    PRIMARY KEY (transactionUID, delivery)
) STRICT, WITHOUT ROWID;
INSERT INTO deliveryTransaction (transactionUID, delivery)
    SELECT transactionUID, id FROM delivery WHERE transactionUID IS NOT NULL;

-- Objects of ours that are superseded, and the Key Object Selection that takes them back at one destination.
CREATE TABLE retraction (
    delivery            INTEGER PRIMARY KEY REFERENCES delivery ON DELETE CASCADE,
    -- The Key Object Selection: a row of result.
    result              INTEGER NOT NULL REFERENCES result ON DELETE CASCADE
) STRICT;

-- What a run is made of, so that one over the same instances makes the same objects: the last arrival of the series when it
-- was queued, and the time that its results state, milliseconds since 1970. Null in rows of earlier releases.
ALTER TABLE job ADD COLUMN arrivalSequence INTEGER;
ALTER TABLE job ADD COLUMN contentAt INTEGER;
