// The outcome of a verification as JSON: the same from a running server and from a stopped one's
// folder.
#pragma once

#include "engine/verify.h"

#include <boost/json/fwd.hpp>

namespace farthing::engine::admin {

boost::json::object verify_json(const Verifier& verifier);  // all is well
boost::json::object verify_error_json(const VerifyError& error);

}  // namespace farthing::engine::admin
