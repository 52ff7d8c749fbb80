// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// Which runs' objects a destination gets.
package struct DeliveryCondition: Sendable, Equatable {
    /// What is known of a run when its objects are queued.
    package struct Run: Sendable {
        /// Of the analysed series.
        package var modality: String
        package var findings: [Finding]
        /// What was looked for, found or not.
        package var soughtFindings: [Code]

        package init(modality: String, findings: [Finding], soughtFindings: [Code]) {
            self.modality = modality
            self.findings = findings
            self.soughtFindings = soughtFindings
        }
    }

    /// Empty: any.
    package var modalities: Set<String>
    /// Code values, code meanings or labels, in any case. Empty: any.
    package var findings: [String]
    package var minimumPriority: Priority

    package init(modalities: Set<String> = [], findings: [String] = [], minimumPriority: Priority = .routine) {
        self.modalities = modalities
        self.findings = findings
        self.minimumPriority = minimumPriority
    }

    /// One finding must meet what is said of findings. A run without any is measured by what it looked for: whether
    /// a negative report is wanted at all is said elsewhere, and it has no priority.
    package func isMet(by run: Run) -> Bool {
        guard modalities.isEmpty || modalities.contains(run.modality) else { return false }
        guard !run.findings.isEmpty else {
            return findings.isEmpty || run.soughtFindings.contains { names($0.value, $0.meaning) }
        }
        return run.findings.contains {
            $0.priority >= minimumPriority && (findings.isEmpty || names($0.code.value, $0.code.meaning, $0.label))
        }
    }

    private func names(_ texts: String...) -> Bool {
        findings.contains { wanted in texts.contains { $0.lowercased() == wanted.lowercased() } }
    }
}
