// The two calls of the server's API that the generator needs, over its Unix socket (HTTP/1.1).
//
// Threads: one, which waits. Errors: values, in words.
#pragma once

#include "engine/base/result.h"

#include <string>

namespace farthing::load {

struct ApiError {
  bool not_reachable = false;
  std::string message;
};

// POST of a text/csv body; the answer's body.
base::Result<std::string, ApiError> api_post_csv(const std::string& socket_path,
                                                 const std::string& target, std::string csv);
base::Result<std::string, ApiError> api_get(const std::string& socket_path,
                                            const std::string& target);

}  // namespace farthing::load
