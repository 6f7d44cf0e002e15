// Text as files may hold it: UTF-8 (RFC 3629) without control characters. Threads: no shared state.
#pragma once

#include "tariffs/file_error.h"

#include <cstddef>
#include <string_view>

namespace farthing::tariffs {

// The length of the character that `text` begins with; 0 where there is none, or where it is a
// control character that no text of ours holds (NUL above all).
std::size_t character_bytes(std::string_view text);

// Whether the text is one; if not, the first place where it is none is an error.
bool check_characters(std::string_view text, FileErrors& errors);

}  // namespace farthing::tariffs
