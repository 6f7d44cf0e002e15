// What becomes of who has used the last grant up: its service ends, or it is led to where it can
// top up, or may use nothing but what filters let through (RFC 8506 5.6, 8.34 to 8.39).
//
// A rule is written once into bytes, which answers carry and the ledger keeps with them: a repeated
// request gets the same, whatever the tariff says by then. Plain values.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace farthing::tariffs {

// Final-Unit-Action (RFC 8506 8.35). The numbers stand in the ledger.
enum class FinalAction : std::uint8_t { terminate = 0, redirect = 1, restrict_access = 2 };
std::string_view final_action_name(FinalAction action);  // "restrict"

// What goes with it. The first four are Redirect-Address-Type (RFC 8506 8.38); the numbers stand in
// the ledger.
enum class FinalPart : std::uint8_t {
  ipv4 = 0,
  ipv6 = 1,
  url = 2,
  sip_uri = 3,
  filter_id = 4,  // Filter-Id: a list of filters that the access device has
  filter = 5,     // Restriction-Filter-Rule: an IPFilterRule
};
constexpr bool is_redirect_address(FinalPart part) { return part <= FinalPart::sip_uri; }

struct FinalUnitRule {
  FinalAction action = FinalAction::terminate;
  // The validity with which a client is told that nothing is left: then it asks again. 0: that of
  // the service's grants.
  std::chrono::seconds ask_again{0};
  std::string encoded;  // "": terminate; else the action, and parts with their texts

  void begin(FinalAction what);
  void add(FinalPart part, std::string_view text);  // REQUIRES: begin(), not with terminate
  friend bool operator==(const FinalUnitRule&, const FinalUnitRule&) = default;
};

// The action in what a FinalUnitRule has encoded.
inline FinalAction final_action_of(std::string_view encoded) {
  return encoded.empty() ? FinalAction::terminate : static_cast<FinalAction>(encoded.front());
}

// Whether these are bytes that a FinalUnitRule may have encoded.
bool is_final_action(std::string_view encoded);

// Visits its parts, each with its text. REQUIRES: is_final_action().
template <class Visit>
void visit_final_parts(std::string_view encoded, Visit visit) {
  for (std::size_t at = 1; at + 1 < encoded.size();) {
    const auto part = static_cast<FinalPart>(encoded[at]);
    const std::size_t size = static_cast<unsigned char>(encoded[at + 1]);
    visit(part, encoded.substr(at + 2, size));
    at += 2 + size;
  }
}

// "redirect to https://topup.example/, filter open-sites": for people.
std::string final_action_text(std::string_view encoded);

}  // namespace farthing::tariffs
