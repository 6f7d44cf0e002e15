// How many files, sockets among them, this process may have open (getrlimit(2), RLIMIT_NOFILE).
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/result.h"

namespace farthing::diameter {

// Raises the limit to `wanted`, where it is lower. The error says how far it could be raised, and
// what to do; it is raised that far.
base::Result<void, std::string> raise_file_limit(std::uint64_t wanted);

}  // namespace farthing::diameter
