// Text for JSON: names that come over the wire (a Session-Id, a peer's host) are bytes that anyone
// may have chosen, and JSON is UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace farthing::engine {

// `bytes` where they are UTF-8 (RFC 3629); else with U+FFFD for every byte that belongs to no
// character.
std::string utf8_text(std::string_view bytes);

}  // namespace farthing::engine
