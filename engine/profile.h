// What is said of a subscriber beside who it is: attributes that prices ask for (segment=gold), and
// switches that are off (roaming). Everything that nobody has said is unknown, or on.
//
// A profile is immutable and shared with whoever looks at its subscriber: a change makes another
// one. Texts of a change are views, of the request or of the ledger's record.
#pragma once

#include "engine/types.h"
#include "tariffs/subscriber.h"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::engine {

struct Profile {
  static constexpr std::size_t attributes_max = tariffs::subscriber_attributes_max;
  static constexpr std::size_t switched_off_max = tariffs::switched_off_max;

  tariffs::SubscriberAttributes attributes;  // by name, each once
  std::vector<std::string> switched_off;     // sorted, each once

  friend bool operator==(const Profile&, const Profile&) = default;
};

struct ProfileChange {
  struct Attribute {
    std::string_view name;
    std::string_view value;  // "": it is removed
  };
  struct Switch {
    std::string_view name;
    bool is_on = false;
  };

  SubscriberNumber number;
  std::vector<Attribute> attributes;
  std::vector<Switch> switches;
};

// The profile after a change; nullptr: nothing is said. `before` may be nullptr.
std::shared_ptr<const Profile> change_profile(const Profile* before, const ProfileChange& change);

// The change that makes a profile out of nothing; it views the profile.
ProfileChange change_to(const Profile& profile, SubscriberNumber number);

// nullptr: it is a profile; otherwise what is wrong with it.
const char* wrong_with(const Profile* profile);

// "segment=gold, brand=, roaming off".
std::string describe_change(const ProfileChange& change);

}  // namespace farthing::engine
