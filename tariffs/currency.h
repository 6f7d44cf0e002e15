// Currencies by ISO 4217: "CNY" is 156, which is what goes over the wire as Currency-Code
// (RFC 8506 8.11). The table is part of the program. Threads: no shared state.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace farthing::tariffs {

std::optional<std::uint32_t> currency_code_of(std::string_view letters);  // nullopt: no currency

std::vector<std::string_view> currency_names();  // for messages: "AED", "AFN" ...

}  // namespace farthing::tariffs
