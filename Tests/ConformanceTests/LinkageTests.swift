// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

@Suite("What the binary is made of") struct LinkageTests {
    private func symbols(_ arguments: [String]) throws -> [Substring] {
        let outcome = try Tool.run("/usr/bin/nm", arguments + [Daemon.executable], seconds: 120)
        #expect(outcome.status == 0, "\(outcome.output.suffix(1000))")
        return outcome.output.split(separator: "\n")
    }

    @Test("of DCMTK's network only the upper layer is used, neither its messages nor its services [ROBUST-8]")
    func dimse() throws {
        let used = try symbols(["-D", "-C", "--undefined-only"])
        // That this looks at the right thing.
        #expect(used.contains { $0.contains("DUL_ReadPDVs(") })
        for part in [
            "DIMSE_", "DcmSCP::", "DcmSCPPool", "DcmSCU::", "DcmStorageSCP", "DcmStorageSCU", "ASC_receive",
            "ASC_initialize",
            "DcmSegmentation", "DcmRLEDecoder",
        ] {
            let found = used.filter { $0.contains(part) }
            #expect(found.isEmpty, "\(found.prefix(5))")
        }
    }

    @Test("no code of the fuzzers is in it [ROBUST-8]")
    func fuzzers() throws {
        let defined = try symbols(["--defined-only"])
        #expect(defined.contains { $0.contains("DataSetScan") })
        for part in ["FuzzTarget", "ScanHarness", "ConnectionHarness", "LLVMFuzzer", "__sanitizer_cov"] {
            let found = defined.filter { $0.contains(part) }
            #expect(found.isEmpty, "\(found.prefix(5))")
        }
    }
}
