#include "tariffs/subscriber.h"

#include "tariffs/yaml_scalar.h"

namespace farthing::tariffs {

Restrictions read_restrictions(YamlMap& map, FileErrors& errors) {
  Restrictions restrictions;
  if (const YamlNode* node = map.find("subscription")) {
    restrictions.needs_subscription = read_choice(*node, errors, {"required"}).has_value();
  }
  return restrictions;
}

Restrictions both(const Restrictions& one, const Restrictions& other) {
  Restrictions all = one;
  all.needs_subscription |= other.needs_subscription;
  return all;
}

std::string restrictions_text(const Restrictions& restrictions) {
  return restrictions.needs_subscription ? "needs a subscription that covers it" : "";
}

}  // namespace farthing::tariffs
