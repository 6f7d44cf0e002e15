// What a tariff knows of subscribers: what a price asks of whoever is to be served at it.
//
// Values; part of an immutable tariff. Threads: no shared state.
#pragma once

#include <string>

namespace farthing::tariffs {

class FileErrors;
class YamlMap;

struct Restrictions {
  bool needs_subscription = false;  // to an offer that covers the service and rating group

  bool are_none() const { return !needs_subscription; }
};

// Reads the key `subscription` of a service or a price.
Restrictions read_restrictions(YamlMap& map, FileErrors& errors);

// What must hold for both.
Restrictions both(const Restrictions& one, const Restrictions& other);

// "needs a subscription that covers it"; "" where there are none.
std::string restrictions_text(const Restrictions& restrictions);

}  // namespace farthing::tariffs
