// What a tariff simulation is asked, and what came out of it as JSON and CSV: the same from a
// running server and from a stopped one's folder. Any thread. Errors: sentences.
#pragma once

#include "engine/simulate.h"

#include <boost/json/fwd.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace farthing::engine::admin {

// Two times in UTC, "2026-06-01" or "2026-06-01T08:00".
base::Result<SimulationSpan, std::string> parse_simulation_span(std::string_view from,
                                                                std::string_view to);

// One of the versions that were loaded, "3"; "all", the versions as they were in force, is nullptr.
base::Result<std::shared_ptr<const tariffs::Tariff>, std::string> simulated_version(
    const tariffs::TariffHistory& loaded, std::string_view version);

inline constexpr std::uint32_t simulation_top_default = 10;
inline constexpr std::uint32_t simulation_top_max = 10'000;
// `top`: so many accounts of those that would pay more, and of those that would pay less.
boost::json::object simulation_json(const TariffSimulation& simulation, const SimulationSpan& span,
                                    std::size_t top);

// A line for each account that was charged or would have been, in pieces, the header first. False:
// `write` wants no more.
bool write_simulation_csv(const TariffSimulation& simulation,
                          const std::function<bool(std::string_view)>& write);

}  // namespace farthing::engine::admin
