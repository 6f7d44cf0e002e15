// What a tariff knows of subscribers: what is said of them (segment=gold), which conditions of
// prices ask for, what a price asks of whoever is to be served at it, and the states of their life
// cycle.
//
// Values; those of rules are part of an immutable tariff. Threads: no shared state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::tariffs {

class FileErrors;
class YamlMap;
struct YamlNode;

struct SubscriberAttribute {
  std::string name;
  std::string value;

  friend bool operator==(const SubscriberAttribute&, const SubscriberAttribute&) = default;
};
using SubscriberAttributes = std::vector<SubscriberAttribute>;  // by name, each once

// What is said under a name; "": nothing.
std::string_view value_of(std::span<const SubscriberAttribute> attributes, std::string_view name);

inline constexpr std::size_t subscriber_attributes_max = 16;
inline constexpr std::size_t switched_off_max = 16;
inline constexpr std::size_t label_bytes_max = 32;
inline constexpr std::size_t attribute_bytes_max = 64;

// The name of an attribute or a switch: a to z and '_', 1 to 32 of them.
bool is_label(std::string_view text);
extern const std::string_view label_form;  // what is expected of one, for messages

// The value of an attribute: UTF-8 without control characters, 1 to 64 bytes.
bool is_attribute_value(std::string_view text);
extern const std::string_view attribute_form;

// The life cycle of a subscriber. The numbers stand in the ledger.
enum class LifeState : std::uint8_t {
  active = 0,
  suspended = 1,           // only what is served always
  suspended_outgoing = 2,  // that, and what comes to the subscriber: calls and messages
  idle = 3,        // nobody has used it: active with the first thing served that has a price
  terminated = 4,  // its numbers are nobody's
};
inline constexpr std::size_t life_states = 5;
std::string_view state_name(LifeState state);  // "active", "suspended-outgoing" ...
std::optional<LifeState> parse_life_state(std::string_view text);

struct Restrictions {
  bool needs_subscription = false;  // to an offer that covers the service and rating group
  // The offer that is bought for who has none that covers it; "": none. It needs a subscription.
  std::string pass;
  std::vector<std::string> switches;  // sorted; none of them may be off

  bool are_none() const { return !needs_subscription && switches.empty(); }
};

// One name of a switch, or a list of them; sorted.
std::vector<std::string> read_switches(const YamlNode& node, FileErrors& errors);

// {segment: gold, region: north}
SubscriberAttributes read_attributes(const YamlNode& node, FileErrors& errors);

// Reads the keys `subscription`, `pass` and `switch` of a service or a price.
Restrictions read_restrictions(YamlMap& map, FileErrors& errors);

// What must hold for both; of two passes the other's.
Restrictions both(const Restrictions& one, const Restrictions& other);

// "needs a subscription that covers it, and roaming switched on"; "" where there are none.
std::string restrictions_text(const Restrictions& restrictions);

}  // namespace farthing::tariffs
