import ArgumentParser
import Crypto
import GRDB
import Hummingbird
import Yams
@main struct Triaged: ParsableCommand {}
