-- SPDX-FileCopyrightText: The triaged authors
-- SPDX-License-Identifier: Apache-2.0
--
-- What keeps the questions of every second short where a million instances lie. The indexes are partial where they can
-- be: what was read and settled years ago is in none of them.

-- The worklist keeps studies of any age that still want somebody.
CREATE INDEX studyRaised ON study (id) WHERE priority <> 'routine';
CREATE INDEX seriesUnsettled ON series (study) WHERE state NOT IN ('outOfScope', 'analysed');

-- Instances are files less these.
CREATE INDEX instanceVersion ON instance (version) WHERE version <> 'first';

CREATE INDEX deliveryByDestination ON delivery (destination, state, queuedAt);
CREATE INDEX deliveryComment ON delivery (destination) WHERE state IN ('pending', 'failed') AND comment <> '';

CREATE INDEX eventClockStep ON event (kind) WHERE kind = 'clockStep';
