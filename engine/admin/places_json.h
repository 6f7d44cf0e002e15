// Errors and warnings of a file with their places, as JSON: for the API and the command line.
#pragma once

#include "tariffs/file_error.h"

#include <boost/json/array.hpp>

#include <vector>

namespace farthing::engine::admin {

boost::json::array places_json(const std::vector<tariffs::FileError>& places);

}  // namespace farthing::engine::admin
