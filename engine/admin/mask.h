// Identities in logs: never whole. A run of 8 or more digits keeps its last four, and from 10
// digits on its first five: 86138****8000.
#pragma once

#include <string>
#include <string_view>

namespace farthing::engine::admin {

// `text` with every run of digits in it masked that is long enough to be an identity.
std::string mask_identities(std::string_view text);

}  // namespace farthing::engine::admin
