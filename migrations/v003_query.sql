-- SPDX-FileCopyrightText: The triaged authors
-- SPDX-License-Identifier: Apache-2.0
--
-- What Query/Retrieve asks for beyond the worklist. Null where a row was written before this release: the attribute is then
-- answered empty, and matched by nothing but a universal key.

ALTER TABLE study ADD COLUMN referringPhysicianName TEXT;
CREATE INDEX studyByPatientID ON study (patientID);
CREATE INDEX studyByAccessionNumber ON study (accessionNumber);
CREATE INDEX studyByDate ON study (studyDate);

ALTER TABLE series ADD COLUMN seriesDate TEXT;
ALTER TABLE series ADD COLUMN seriesTime TEXT;
-- Items of Request Attributes Sequence, as JSON.
ALTER TABLE series ADD COLUMN requestAttributes TEXT;
-- Of its instances, with backslashes between them; null in rows of earlier releases, whose instances are then asked.
ALTER TABLE series ADD COLUMN sopClassUIDs TEXT;

ALTER TABLE instance ADD COLUMN contentDate TEXT;
ALTER TABLE instance ADD COLUMN contentTime TEXT;

-- What the object says of itself, as JSON; null until a start has read it from the file.
ALTER TABLE result ADD COLUMN header TEXT;
CREATE INDEX resultBySeriesUID ON result (seriesInstanceUID);
