# SPDX-FileCopyrightText: The triaged authors
# SPDX-License-Identifier: Apache-2.0

PREFIX = /usr/local
DESTDIR =
BINARY = .build/release/triaged
KILLS = 200

bindir = $(DESTDIR)$(PREFIX)/bin
unitdir = $(DESTDIR)$(PREFIX)/lib/systemd/system
sysusersdir = $(DESTDIR)$(PREFIX)/lib/sysusers.d
confdir = $(DESTDIR)/etc/triaged
swift_sources = Package.swift $(wildcard Sources Tests) Fuzz/Package.swift Fuzz/Run
# How long `make fuzz` runs each fuzzer.
SECONDS = 600
lint = swift format lint --strict --parallel --recursive $(swift_sources)

.PHONY: help setup build test fuzz check-format format demo bench soak install uninstall

help:
	@echo "make setup         install what this repository needs: Debian packages, OpenVINO, the judges"
	@echo "make build         build $(BINARY)"
	@echo "make test          check the format and run every test; what CI runs"
	@echo "make fuzz          fuzz what reads peers' bytes, with AddressSanitizer; SECONDS=600 for each fuzzer"
	@echo "make format        put the Swift sources into the format that check-format wants"
	@echo "make demo          show the whole path beside an Orthanc, until Ctrl-C; ONCE=1 ends after printing"
	@echo "make bench         measure what the node aims at; prints Markdown tables; BENCH=--quick is a trial run"
	@echo "make soak          kill the daemon KILLS=200 times while modalities send; SEED=N, POWER_CUTS=1"
	@echo "make install       put binary, configuration, models and unit in place (as root; PREFIX, DESTDIR)"
	@echo "make uninstall     take them away again; configuration, models and stored studies stay"

setup:
	@scripts/setup

# The Swift runtime is linked in, so that an installed binary needs no toolchain beside it.
build:
	@scripts/setup build
	swift build --configuration release --static-swift-stdlib --product triaged

# Tests with deadlines run by themselves: those of Inference keep every thread busy.
test:
	@scripts/setup build test
	$(lint)
	swift build --build-tests
	TRIAGED_JUDGES='$(CURDIR)/.build-judges' scripts/swift-test --skip 'ConformanceTests|OpenInferenceTests|WebTests|DICOMwebTests'
	scripts/swift-test --filter 'WebTests|DICOMwebTests'
	TRIAGED_SERVERS='$(CURDIR)/.build-servers' scripts/swift-test --filter OpenInferenceTests
	TRIAGED_JUDGES='$(CURDIR)/.build-judges' scripts/swift-test --filter ConformanceTests
	scripts/fuzz 20

fuzz:
	@scripts/setup build
	scripts/fuzz $(SECONDS)

check-format:
	$(lint)

format:
	swift format --in-place --parallel --recursive $(swift_sources)

demo:
	@scripts/setup demo
	@$(MAKE) --no-print-directory build
	@BINARY=$(BINARY) ONCE=$(ONCE) scripts/demo

bench:
	@scripts/setup bench
	@$(MAKE) --no-print-directory build
	swift build --configuration release --static-swift-stdlib --product fillstore
	swift build --configuration release --static-swift-stdlib --product segmentstudy
	@BINARY=$(BINARY) scripts/bench $(BENCH)

soak:
	@scripts/setup build test
	@$(MAKE) --no-print-directory build
	@BINARY=$(BINARY) .build-judges/bin/python scripts/soak --kills $(KILLS) \
		$(if $(SEED),--seed $(SEED)) $(if $(POWER_CUTS),--power-cuts)

install:
	@test -x $(BINARY) || { echo "$(BINARY) is not there; run 'make build' first" >&2; exit 1; }
	install -D -m 755 $(BINARY) $(bindir)/triaged.new
	mv -f $(bindir)/triaged.new $(bindir)/triaged
	install -d $(unitdir)
	sed 's|/usr/local/bin/|$(PREFIX)/bin/|' systemd/triaged.service >$(unitdir)/triaged.service
	chmod 644 $(unitdir)/triaged.service
	install -D -m 644 systemd/triaged.sysusers $(sysusersdir)/triaged.conf
	@scripts/install-configuration '$(confdir)'
ifeq ($(DESTDIR),)
	@scripts/install-finish '$(PREFIX)'
endif

uninstall:
ifeq ($(DESTDIR),)
	@if [ -d /run/systemd/system ]; then systemctl --quiet disable --now triaged.service || true; fi
endif
	rm -f $(bindir)/triaged $(unitdir)/triaged.service $(sysusersdir)/triaged.conf
ifeq ($(DESTDIR),)
	@if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
endif
	@echo "left in place: $(confdir), /var/lib/triaged and the user triaged"
