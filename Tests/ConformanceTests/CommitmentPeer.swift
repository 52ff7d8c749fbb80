// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Support

/// pynetdicom as a modality that asks for storage commitment, and listens for the reports.
final class CommitmentPeer {
    struct Options: Encodable {
        var port = 0
        var called = "TRIAGED"
        var calling = "CT1"
        /// Where it listens; 0 does not.
        var listen = 0
        /// Whether it answers our role selection.
        var answersRole = true
        /// Whether it asks for anything, and how many seconds it keeps the association open afterwards.
        var asks = true
        var keepsOpen = 0.0
        /// Of its responses to reports, in turn; then success.
        var statuses: [Int] = []
        var transactionUID = ""
        var instances: [[String]] = []
        var seconds = 60.0
    }

    struct Report: Decodable, Equatable {
        var transactionUID: String
        var eventType: Int
        var committed: [String]
        var failed: [String: Int]
        /// Over the association of the request.
        var same: Bool
        /// What the peer answered.
        var answered: Int
    }

    static let python = ProcessInfo.processInfo.environment["TRIAGED_JUDGES"].map { $0 + "/bin/python" }
    private let directory: TemporaryDirectory
    let tool: Tool

    init(_ options: Options) throws {
        guard let python = Self.python else { throw ToolError("TRIAGED_JUDGES is not set") }
        directory = try TemporaryDirectory()
        let json = String(decoding: try JSONEncoder().encode(options), as: UTF8.self)
        tool = try Tool(python, ["-u", "-c", Self.script, json], log: directory.file("peer.log"))
    }

    /// A node that stops waits for the associations that its peers keep open.
    func end() { tool.signal(SIGTERM, within: 10) }

    private func lines(_ key: String) -> [Any] {
        tool.output.split(separator: "\n").compactMap { line in
            (try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])?[key]
        }
    }

    /// The status of the N-ACTION response; -1 where the association or the context was refused.
    func action(within seconds: Double = 60) -> Int? {
        eventually(within: seconds) { lines("action").first as? Int }
    }

    var reports: [Report] {
        lines("report").compactMap { object in
            (try? JSONSerialization.data(withJSONObject: object)).flatMap {
                try? JSONDecoder().decode(Report.self, from: $0)
            }
        }
    }

    func reports(_ count: Int, within seconds: Double = 60) -> [Report] {
        eventually(within: seconds) { reports.count >= count ? reports : nil } ?? reports
    }

    func isListening(within seconds: Double = 60) -> Bool {
        eventually(within: seconds) { lines("listening").isEmpty ? nil : true } ?? false
    }

    private static let script = """
        import json, sys, time
        from pydicom.dataset import Dataset
        from pynetdicom import AE, evt
        o = json.loads(sys.argv[1])
        push, well_known = '1.2.840.10008.1.20.1', '1.2.840.10008.1.20.1.1'
        statuses = list(o['statuses'])
        def say(**line): print(json.dumps(line), flush=True)
        def taker(same):
            def take(event):
                d = event.event_information
                status = statuses.pop(0) if statuses else 0
                say(report={'transactionUID': str(d.TransactionUID), 'eventType': event.event_type, 'same': same,
                    'committed': [str(i.ReferencedSOPInstanceUID) for i in d.get('ReferencedSOPSequence', [])],
                    'failed': {str(i.ReferencedSOPInstanceUID): int(i.FailureReason) for i in d.get('FailedSOPSequence', [])},
                    'answered': status})
                return status, None
            return [(evt.EVT_N_EVENT_REPORT, take)]
        end = time.monotonic() + o['seconds']
        if o['listen']:
            scp = AE(ae_title=o['calling'])
            if o['answersRole']: scp.add_supported_context(push, scu_role=True, scp_role=True)
            else: scp.add_supported_context(push)
            scp.start_server(('127.0.0.1', o['listen']), block=False, evt_handlers=taker(False))
            say(listening=o['listen'])
        if o['asks']:
            ae = AE(ae_title=o['calling'])
            ae.add_requested_context(push)
            a = ae.associate('127.0.0.1', o['port'], ae_title=o['called'], evt_handlers=taker(True))
            if not a.is_established or not a.accepted_contexts: say(action=-1)
            else:
                d = Dataset()
                d.TransactionUID = o['transactionUID']
                d.ReferencedSOPSequence = []
                for c, i in o['instances']:
                    r = Dataset()
                    r.ReferencedSOPClassUID, r.ReferencedSOPInstanceUID = c, i
                    d.ReferencedSOPSequence.append(r)
                status, _ = a.send_n_action(d, 1, push, well_known)
                say(action=status.get('Status', -2))
                keep = min(end, time.monotonic() + o['keepsOpen'])
                while time.monotonic() < keep and a.is_established: time.sleep(0.05)
                if a.is_established: a.release()
        while o['listen'] and time.monotonic() < end: time.sleep(0.05)
        """
}
