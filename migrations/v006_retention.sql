-- SPDX-FileCopyrightText: The triaged authors
-- SPDX-License-Identifier: Apache-2.0
--
-- Files that were given up because an archive holds the instance: docs/decisions/22.

-- No reader may count on the path of these; everything else of the row stays true.
CREATE TABLE expiredInstance (
    instance            INTEGER PRIMARY KEY REFERENCES instance ON DELETE RESTRICT,
    -- Name of the destination that an instance-level C-FIND found it in, moments before.
    archive             TEXT NOT NULL,
    expiredAt           INTEGER NOT NULL
) STRICT;

-- Files that are still to be removed: written with the rows above, taken away when their names are off the disk.
CREATE TABLE removal (
    epoch               INTEGER NOT NULL,
    path                TEXT NOT NULL,
    PRIMARY KEY (epoch, path)
) STRICT, WITHOUT ROWID;
