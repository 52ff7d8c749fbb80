-- SPDX-FileCopyrightText: The triaged authors
-- SPDX-License-Identifier: Apache-2.0
--
-- Every fact that must survive a restart. Columns that hold an attribute carry its keyword (PS3.6).
-- Wall times end in "At" and are milliseconds since 1970; they are for people. Order is by arrivalSequence; durations
-- come from nanoseconds of the monotonic clock, which mean something only within one boot.

-- What the node knows of itself: one row.
CREATE TABLE node (
    id                  INTEGER PRIMARY KEY CHECK (id = 1),
    -- Rows of files in this epoch and before are on disk for certain; the next start looks at later epochs only.
    syncedEpoch         INTEGER NOT NULL
) STRICT;
INSERT INTO node (id, syncedEpoch) VALUES (1, 0);

-- One patient per (PatientID, IssuerOfPatientID); one per study where the ID identifies nobody.
CREATE TABLE patient (
    id                  INTEGER PRIMARY KEY,
    patientID           TEXT NOT NULL,
    issuerOfPatientID   TEXT NOT NULL,
    isIdentifying       INTEGER NOT NULL CHECK (isIdentifying IN (0, 1))
) STRICT;
CREATE UNIQUE INDEX patientByID ON patient (patientID, issuerOfPatientID) WHERE isIdentifying = 1;

-- Each distinct statement of who the patient is, exactly as instances make it.
CREATE TABLE identity (
    id                  INTEGER PRIMARY KEY,
    patientID           TEXT NOT NULL,
    issuerOfPatientID   TEXT NOT NULL,
    patientName         TEXT NOT NULL,
    patientBirthDate    TEXT NOT NULL,
    patientSex          TEXT NOT NULL,
    UNIQUE (patientID, issuerOfPatientID, patientName, patientBirthDate, patientSex)
) STRICT;

CREATE TABLE study (
    id                  INTEGER PRIMARY KEY,
    studyInstanceUID    TEXT NOT NULL UNIQUE,
    patient             INTEGER NOT NULL REFERENCES patient,
    -- What the study's instances say together: the first statement of each attribute that is not empty.
    patientID           TEXT NOT NULL,
    issuerOfPatientID   TEXT NOT NULL,
    patientName         TEXT NOT NULL,
    patientBirthDate    TEXT NOT NULL,
    patientSex          TEXT NOT NULL,
    accessionNumber     TEXT NOT NULL,
    studyID             TEXT NOT NULL,
    studyDate           TEXT NOT NULL,
    studyTime           TEXT NOT NULL,
    studyDescription    TEXT NOT NULL,
    firstInstanceAt     INTEGER NOT NULL,
    -- Only ever raised.
    priority            TEXT NOT NULL DEFAULT 'routine' CHECK (priority IN ('routine', 'urgent', 'critical')),
    worklistChangedAt   INTEGER NOT NULL,
    acknowledgedBy      TEXT,
    acknowledgedAt      INTEGER,
    -- The last outcome that was on display when it was acknowledged.
    acknowledgedThrough INTEGER
) STRICT;
CREATE INDEX studyByPatient ON study (patient);
CREATE INDEX studyByTime ON study (firstInstanceAt);

CREATE TABLE series (
    id                  INTEGER PRIMARY KEY,
    study               INTEGER NOT NULL REFERENCES study,
    seriesInstanceUID   TEXT NOT NULL,
    modality            TEXT NOT NULL,
    manufacturer        TEXT NOT NULL,
    seriesNumber        INTEGER,
    seriesDescription   TEXT NOT NULL,
    protocolName        TEXT NOT NULL,
    bodyPartExamined    TEXT NOT NULL,
    -- 'analysing' is not stored: a series with a running job is being analysed.
    state               TEXT NOT NULL CHECK (state IN
                        ('arriving', 'waiting', 'analysed', 'notAnalysed', 'outOfScope', 'failed')),
    run                 TEXT CHECK (run IN ('provisional', 'final', 'superseded')),
    reason              TEXT NOT NULL DEFAULT '',
    -- The evidence of the last completeness verdict, for people.
    evidence            TEXT NOT NULL DEFAULT '',
    -- Changes with each instance that changes the current content of the series.
    revision            INTEGER NOT NULL,
    instances           INTEGER NOT NULL,
    lastArrivalSequence INTEGER NOT NULL,
    firstInstanceAt     INTEGER NOT NULL,
    lastInstanceAt      INTEGER NOT NULL,
    lastInstanceMonotonic INTEGER NOT NULL,
    boot                TEXT NOT NULL,
    UNIQUE (study, seriesInstanceUID)
) STRICT;
CREATE INDEX seriesByUID ON series (seriesInstanceUID);
CREATE INDEX seriesByState ON series (state);

-- One row per file that is kept, never removed. All versions of a SOP instance stay; the first is what is analysed.
-- Each index costs a page in the log per instance: there are no more than needed.
CREATE TABLE instance (
    -- The arrival sequence number.
    id                  INTEGER PRIMARY KEY,
    series              INTEGER NOT NULL REFERENCES series,
    identity            INTEGER NOT NULL REFERENCES identity,
    sopInstanceUID      TEXT NOT NULL,
    sopClassUID         TEXT NOT NULL,
    transferSyntaxUID   TEXT NOT NULL,
    -- How this version stands to the first: see docs/decisions/15.
    version             TEXT NOT NULL CHECK (version IN ('first', 'coerced', 'transcoded', 'uncompared', 'conflict')),
    -- 0 for the first.
    ordinal             INTEGER NOT NULL,
    callingAETitle      TEXT NOT NULL,
    receivedAt          INTEGER NOT NULL,
    path                TEXT NOT NULL,
    epoch               INTEGER NOT NULL,
    size                INTEGER NOT NULL,
    headerDigest        BLOB NOT NULL,
    pixelDigest         BLOB,
    specificCharacterSet TEXT NOT NULL,
    isTextIntact        INTEGER NOT NULL,
    imageType           TEXT NOT NULL,
    instanceNumber      INTEGER,
    acquisitionNumber   INTEGER,
    numberOfFrames      INTEGER,
    rows                INTEGER,
    columns             INTEGER,
    sliceThickness      REAL,
    spacingBetweenSlices REAL,
    pixelSpacing        TEXT,
    imagePositionPatient TEXT,
    imageOrientationPatient TEXT,
    gantryDetectorTilt  REAL,
    frameOfReferenceUID TEXT,
    imagesInAcquisition INTEGER,
    convolutionKernel   TEXT NOT NULL,
    contrastBolusAgent  TEXT NOT NULL,
    hasContrast         INTEGER NOT NULL,
    burnedInAnnotation  TEXT NOT NULL,
    hasPixelData        INTEGER NOT NULL,
    UNIQUE (sopInstanceUID, ordinal),
    UNIQUE (epoch, path)
) STRICT;
CREATE INDEX instanceBySeries ON instance (series);
CREATE INDEX instanceUncompared ON instance (series) WHERE version = 'uncompared';

-- What people must know about a study. A block stops analysis and delivery; a warning stops nothing.
CREATE TABLE notice (
    id                  INTEGER PRIMARY KEY,
    study               INTEGER NOT NULL REFERENCES study,
    kind                TEXT NOT NULL CHECK (kind IN ('block', 'warning')),
    -- Names attributes, never their values.
    reason              TEXT NOT NULL,
    -- The SOP Instance UID that showed it first.
    sopInstanceUID      TEXT NOT NULL,
    at                  INTEGER NOT NULL,
    UNIQUE (study, reason)
) STRICT;

CREATE TABLE job (
    id                  INTEGER PRIMARY KEY,
    series              INTEGER NOT NULL REFERENCES series,
    revision            INTEGER NOT NULL,
    run                 TEXT NOT NULL CHECK (run IN ('provisional', 'final')),
    state               TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'refused', 'failed', 'superseded')),
    modelName           TEXT NOT NULL,
    modelVersion        TEXT NOT NULL,
    modelManufacturer   TEXT NOT NULL,
    modelDigest         TEXT NOT NULL,
    isDemonstration     INTEGER NOT NULL CHECK (isDemonstration IN (0, 1)),
    -- Deaths of the worker while the daemon lived, and deaths of the daemon while the job ran.
    workerDeaths        INTEGER NOT NULL DEFAULT 0,
    daemonDeaths        INTEGER NOT NULL DEFAULT 0,
    reason              TEXT NOT NULL DEFAULT '',
    queuedAt            INTEGER NOT NULL,
    startedAt           INTEGER,
    endedAt             INTEGER,
    -- Nanoseconds of `endedBoot`'s monotonic clock.
    endedMonotonic      INTEGER,
    endedBoot           TEXT,
    -- Counts outcomes in the order in which they were recorded, over all series.
    outcomeSequence     INTEGER UNIQUE,
    -- What the run has to say about the series: one sentence a line.
    notes               TEXT NOT NULL DEFAULT '',
    engineSeconds       REAL,
    UNIQUE (series, revision, run, modelName, modelDigest)
) STRICT;
CREATE INDEX jobByState ON job (state);

CREATE TABLE finding (
    id                  INTEGER PRIMARY KEY,
    job                 INTEGER NOT NULL REFERENCES job,
    label               TEXT NOT NULL,
    codeValue           TEXT NOT NULL,
    codingSchemeDesignator TEXT NOT NULL,
    codeMeaning         TEXT NOT NULL,
    confidence          REAL NOT NULL,
    priority            TEXT NOT NULL CHECK (priority IN ('routine', 'urgent', 'critical')),
    volumeML            REAL,
    -- The whole finding, as JSON.
    detail              TEXT NOT NULL
) STRICT;
CREATE INDEX findingByJob ON finding (job);

-- An encoded object, kept as it was first encoded.
CREATE TABLE result (
    id                  INTEGER PRIMARY KEY,
    job                 INTEGER NOT NULL REFERENCES job,
    sopClassUID         TEXT NOT NULL,
    sopInstanceUID      TEXT NOT NULL UNIQUE,
    seriesInstanceUID   TEXT NOT NULL,
    transferSyntaxUID   TEXT NOT NULL,
    path                TEXT NOT NULL UNIQUE,
    size                INTEGER NOT NULL,
    digest              TEXT NOT NULL,
    createdAt           INTEGER NOT NULL,
    isSuperseded        INTEGER NOT NULL DEFAULT 0 CHECK (isSuperseded IN (0, 1)),
    -- Why a person must look at it again; empty where nothing is known against it.
    review              TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX resultByJob ON result (job);

CREATE TABLE delivery (
    id                  INTEGER PRIMARY KEY,
    result              INTEGER NOT NULL REFERENCES result,
    destination         TEXT NOT NULL,
    state               TEXT NOT NULL CHECK (state IN ('pending', 'sending', 'sent', 'committed', 'failed', 'withdrawn')),
    attempts            INTEGER NOT NULL DEFAULT 0,
    -- Monotonic nanoseconds of `boot`; due at once in another boot.
    nextAttemptMonotonic INTEGER NOT NULL,
    boot                TEXT NOT NULL,
    -- The peer's last answer: status as four hexadecimal digits, and its Error Comment or our own words.
    lastStatus          TEXT NOT NULL DEFAULT '',
    comment             TEXT NOT NULL DEFAULT '',
    -- A send was under way whose response nobody saw: the destination may or may not hold the object.
    responseUnseen      INTEGER NOT NULL DEFAULT 0 CHECK (responseUnseen IN (0, 1)),
    -- What proves that the destination holds it: 'storageCommitment', 'query' or 'status'.
    proof               TEXT NOT NULL DEFAULT '',
    transactionUID      TEXT,
    queuedAt            INTEGER NOT NULL,
    deliveredAt         INTEGER,
    UNIQUE (result, destination)
) STRICT;
CREATE INDEX deliveryByState ON delivery (state);
CREATE INDEX deliveryByTransaction ON delivery (transactionUID) WHERE transactionUID IS NOT NULL;

-- The ledger of times: only ever appended.
CREATE TABLE event (
    id                  INTEGER PRIMARY KEY,
    study               INTEGER REFERENCES study,
    series              INTEGER REFERENCES series,
    kind                TEXT NOT NULL,
    detail              TEXT NOT NULL DEFAULT '',
    at                  INTEGER NOT NULL,
    monotonic           INTEGER NOT NULL,
    boot                TEXT NOT NULL
) STRICT;
CREATE INDEX eventByStudy ON event (study, kind);
