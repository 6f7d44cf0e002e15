// Rating attributes: what a request says about the service beside its units (called party, access
// point, serving network ...). A session's first ledger entry keeps all of them, used by today's
// tariff or not; later entries what changed, so that any tariff can be simulated over old usage.
//
// Encoded list: for each attribute its number (1 byte) and its value (length-prefixed), in the
// order of the numbers. Values are the bytes of the wire.
#pragma once

#include "engine/types.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::engine {

// The numbers stand in the ledger: never change one, only add.
enum class AttributeId : std::uint8_t {
  called_party = 1,               // Called-Party-Address
  calling_party = 2,              // Calling-Party-Address
  role_of_node = 3,               // Role-Of-Node
  user_session_id = 4,            // User-Session-Id
  access_point = 5,               // Called-Station-Id: APN or DNN
  serving_network = 6,            // 3GPP-SGSN-MCC-MNC
  rat_type = 7,                   // 3GPP-RAT-Type
  user_location = 8,              // 3GPP-User-Location-Info
  time_zone = 9,                  // 3GPP-MS-TimeZone
  charging_id = 10,               // 3GPP-Charging-Id
  charging_characteristics = 11,  // 3GPP-Charging-Characteristics
  pdp_address = 12,               // PDP-Address
  pdp_type = 13,                  // 3GPP-PDP-Type
  sgsn_address = 14,              // SGSN-Address
  ggsn_address = 15,              // GGSN-Address
  equipment = 16,                 // User-Equipment-Info-Value
  recipient = 17,                 // Recipient-Address of a message
  originator = 18,                // Originator-Address of a message
  selection_mode = 19,            // 3GPP-Selection-Mode
  nsapi = 20,                     // 3GPP-NSAPI
  routing_number = 21,            // Number-Portability-Routing-Information
  requested_party = 22,           // Requested-Party-Address: before the number was translated
  origin_host = 25,               // Origin-Host, the client's
  origin_realm = 26,              // Origin-Realm
  // What no AVP says: what was looked up beside the request (look_up.h).
  common_groups = 23,  // what the other party is of, as the subscriber is: "account,family"
  ported_to = 24,      // the routing number of the one called, by the table of ported numbers
  via = 27,            // the peer that brought it, where that is not its client
};

std::string_view attribute_name(AttributeId id);

// Sorts by number; of two with one number the first stays.
void sort_attributes(std::vector<AttributeView>& attributes);

// A fingerprint of a sorted list, to see quickly that nothing changed since the last request.
std::uint64_t attributes_fingerprint(const std::vector<AttributeView>& attributes);

// Those of the sorted list `now` that `known` (encoded) does not hold with the same value, encoded
// into `changed`.
void changed_attributes(std::string_view known, const std::vector<AttributeView>& now,
                        std::string& changed);

// Puts the attributes of `changed` (encoded) into `known` (encoded). `merged` is memory to work in.
void merge_attributes(std::string& known, std::string_view changed, std::string& merged);

// Decodes a list; false where the bytes are none.
bool decode_attributes(std::string_view encoded, std::vector<AttributeView>& attributes);

}  // namespace farthing::engine
