// A tariff held against the tests that its file brings with it: each is played as the network would
// play it, by a shard of its own over a ledger in memory, so that what is tested is what charges.
//
// A situation is a session (for services counted in events: one event a report): the client asks
// for what is left of the report, uses what it is granted, reports, asks again; it ends where it is
// refused. Threads: no shared state; nothing of the caller's is touched.
#pragma once

#include "tariffs/tariff_file.h"

#include <memory>
#include <string_view>
#include <vector>

namespace farthing::engine {

// What was not as expected, test by test, with the place of the expectation; empty: all is well.
std::vector<tariffs::FileError> run_tariff_tests(
    std::string_view file_name, const std::shared_ptr<const tariffs::Tariff>& tariff);

// Everything that a file must pass before it is loaded: without errors it is compiled and its tests
// run; a test that fails is an error like the others.
tariffs::CheckedTariff check_tariff(std::string_view file_name,
                                    const tariffs::TariffSource& source);

}  // namespace farthing::engine
