#include "engine/admin/places_json.h"

#include <boost/json.hpp>

namespace farthing::engine::admin {

boost::json::array places_json(const std::vector<tariffs::FileError>& places) {
  boost::json::array list;
  for (const tariffs::FileError& place : places) {
    list.push_back({{"file", place.file},
                    {"line", place.line},
                    {"column", place.column},
                    {"message", place.message}});
  }
  return list;
}

}  // namespace farthing::engine::admin
