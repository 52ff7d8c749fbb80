-- SPDX-FileCopyrightText: The triaged authors
-- SPDX-License-Identifier: Apache-2.0

-- What a study's patient name is found by (SearchKey in Sources/DICOM). One row for each component group of the name, and
-- one more from each later word of the group on. A key is UTF-8 in NFC: NFKC, lower case, no diacritics on Latin and Greek,
-- hiragana as katakana, no spaces, no "^", no punctuation: 'yamadatarou' and 'tarou', '山田太郎' and '太郎', 'ヤマダタロウ' and
-- 'タロウ'. It never holds GLOB's '[', so that a folded query with * and ? is a GLOB pattern as it stands; a prefix is
-- `key >= prefix AND key < prefix || char(0x10FFFF)`, and C-FIND asks WHERE isWhole = 1.
CREATE TABLE studyNameKey (
    key                 TEXT NOT NULL,
    study               INTEGER NOT NULL REFERENCES study ON DELETE CASCADE,
    -- 1 where the key begins with the group's first word.
    isWhole             INTEGER NOT NULL CHECK (isWhole IN (0, 1)),
    PRIMARY KEY (key, study, isWhole)
) STRICT, WITHOUT ROWID;
CREATE INDEX studyNameKeyByStudy ON studyNameKey (study);

-- Studies up to lastStudy were there before their keys; those up to doneStudy have them by now. One row.
CREATE TABLE searchBackfill (
    id                  INTEGER PRIMARY KEY CHECK (id = 1),
    doneStudy           INTEGER NOT NULL,
    lastStudy           INTEGER NOT NULL
) STRICT;
INSERT INTO searchBackfill (id, doneStudy, lastStudy) SELECT 1, 0, ifnull(max(id), 0) FROM study;

-- People type the beginning of an ID without regard to case.
CREATE INDEX studyByTypedPatientID ON study (patientID COLLATE NOCASE);
CREATE INDEX studyByTypedAccessionNumber ON study (accessionNumber COLLATE NOCASE);
