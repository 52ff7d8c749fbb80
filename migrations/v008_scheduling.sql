-- SPDX-FileCopyrightText: The triaged authors
-- SPDX-License-Identifier: Apache-2.0
--
-- Which job goes first, and runs over several series of a study.

-- How long a job has waited is told by the monotonic clock; in another boot the wait begins with the start of the node.
ALTER TABLE job ADD COLUMN queuedMonotonic INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN queuedBoot TEXT NOT NULL DEFAULT '';

-- The other series that a run reads, in the order of the package's channels after the first. The job is stale once one of
-- them has a later instance.
CREATE TABLE jobInput (
    job                 INTEGER NOT NULL REFERENCES job ON DELETE CASCADE,
    channel             INTEGER NOT NULL,
    series              INTEGER NOT NULL REFERENCES series,
    arrivalSequence     INTEGER NOT NULL,
    PRIMARY KEY (job, channel)
) STRICT, WITHOUT ROWID;

-- Null: no package wants the series together with others. 1: others of the study have arrived or changed, or are still
-- awaited, so that it has to be looked at again; 0: looked at.
ALTER TABLE series ADD COLUMN companions INTEGER CHECK (companions IN (0, 1));
CREATE INDEX seriesCompanions ON series (id) WHERE companions = 1;
