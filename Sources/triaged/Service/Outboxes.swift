// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Association
import DICOM
import DICOMweb
import Delivery
import Foundation
import Index
import Logging
import Results
import Storage
import Synchronization

/// The loops that deliver: for each destination as many as it may be given associations, and none waits for another's.
struct Outboxes {
    let services: [LoopService]
    let reports: CommitmentReports
    /// One for each of the services.
    private let wishes: [Wish]

    /// Somebody asks to try now, however long a destination was to be left alone.
    func hurry() {
        for wish in wishes { wish.raise() }
        for service in services { service.signal.raise() }
    }

    init(
        configuration: Configuration, credentials: TLSCredentials?, equipment: Equipment, index: StudyIndex,
        store: InstanceStore, logger: Logger
    ) {
        var asked: [String: CommitmentReports.Asked] = [:]
        var lanes: [(destination: Configuration.Destination, number: Int, signal: Signal)] = []
        for destination in configuration.destinations {
            let signals = (0..<destination.maximumAssociations).map { _ in Signal() }
            for (number, signal) in signals.enumerated() { lanes.append((destination, number, signal)) }
            asked[destination.name] = .init(
                aeTitle: destination.web == nil ? destination.aeTitle : nil,
                recorder: DeliveryRecorder(
                    index: index, policy: .configured(for: destination), logger: logger.delivering(to: destination)),
                wake: { for signal in signals { signal.raise() } })
        }
        // One for each destination: its connections serve all of its loops.
        var clients: [String: any DeliveryRoute] = [:]
        for destination in configuration.destinations {
            guard let place = destination.web else { continue }
            do throws(DICOMwebClient.Unusable) {
                clients[destination.name] = WebRoute(client: try DICOMwebClient(place))
            } catch {
                logger.error("destination \(destination.name): \(error)")
                clients[destination.name] = UnusableRoute(words: "\(error)")
            }
        }
        let reports = CommitmentReports(index: index, destinations: asked, logger: logger)
        self.reports = reports
        wishes = lanes.map { _ in Wish() }
        services = zip(lanes, wishes).compactMap { lane, wish in
            let (destination, number, signal) = lane
            guard let recorder = asked[destination.name]?.recorder else { return nil }
            let pulse = Pulse()
            let stop = StopFlag()
            let loop = Confined(
                DeliveryLoop(
                    to: destination.name, lane: number,
                    over: clients[destination.name]
                        ?? Self.route(to: destination, configuration, credentials, reports), recorder: recorder,
                    index: index, store: store, logger: recorder.logger,
                    retract: {
                        guard destination.retraction == .keyObjects else { return false }
                        return try Retractions(
                            destination: destination.name, equipment: equipment, index: index, store: store,
                            logger: recorder.logger
                        ).turn()
                    }, isAsked: { wish.take() }, breathe: { pulse.beat() },
                    shouldStop: { stop.isRaised }))
            return LoopService(
                name: "delivery to \(destination.name)" + (number == 0 ? "" : " \(number + 1)"), signal: signal,
                pulse: pulse, stopFlag: stop, logger: logger
            ) {
                try loop.value.turn()
            }
        }
    }

    private static func route(
        to destination: Configuration.Destination, _ configuration: Configuration, _ credentials: TLSCredentials?,
        _ reports: CommitmentReports
    ) -> any DeliveryRoute {
        var timeouts = Timeouts()
        timeouts.response = .seconds(60)
        var requestor = Requestor(
            callingAETitle: configuration.aeTitle, calledAETitle: destination.aeTitle, host: destination.host,
            port: UInt16(destination.port), timeouts: timeouts)
        requestor.tls = destination.tls.requestorTLS(credentials)
        return AssociationRoute(requestor: requestor, proof: destination.proof) {
            reports.take($0, from: destination.aeTitle)
        }
    }
}

/// What one thread asks of another, once.
private final class Wish: Sendable {
    private let isRaised = Atomic<Bool>(false)
    func raise() { isRaised.store(true, ordering: .releasing) }
    func take() -> Bool { isRaised.exchange(false, ordering: .acquiring) }
}

extension DeliveryPolicy {
    static func configured(for destination: Configuration.Destination) -> DeliveryPolicy {
        var policy = DeliveryPolicy(proof: destination.proof)
        #if DEBUG
            // A test of several attempts cannot wait for minutes.
            let environment = ProcessInfo.processInfo.environment
            if let delay = environment["TRIAGED_DELIVERY_DELAY"].flatMap(Double.init) {
                policy.firstDelay = delay
                policy.commitmentPatience = delay * 10
            }
        #endif
        return policy
    }
}

extension Logger {
    fileprivate func delivering(to destination: Configuration.Destination) -> Logger {
        var logger = self
        logger[metadataKey: "destination"] = "\(destination.name)"
        return logger
    }
}
