// The Unix socket of the admin API: its file, and who is at the other end.
#pragma once

#include "engine/base/result.h"

#include <string>

namespace farthing::engine::admin {

// Binds and listens at `path`, for the file's owner only (mode 0600). A file that a dead server
// left is replaced; one that a server answers on, and anything that is no socket, is refused. Gives
// the descriptor, or what is wrong and what to do.
base::Result<int, std::string> listen_unix(const std::string& path);

void remove_socket(const std::string& path);

// The name of the user whose process is at the other end, or "uid 1000" where it has none.
std::string peer_user(int descriptor);

}  // namespace farthing::engine::admin
