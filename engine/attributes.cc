#include "engine/attributes.h"

#include "engine/base/bytes.h"
#include "engine/base/hash.h"

#include <algorithm>
#include <array>
#include <utility>

namespace farthing::engine {

namespace {

constexpr std::array<std::pair<AttributeId, std::string_view>, 27> names = {{
    {AttributeId::called_party, "called_party"},
    {AttributeId::calling_party, "calling_party"},
    {AttributeId::role_of_node, "role_of_node"},
    {AttributeId::user_session_id, "user_session_id"},
    {AttributeId::access_point, "access_point"},
    {AttributeId::serving_network, "serving_network"},
    {AttributeId::rat_type, "rat_type"},
    {AttributeId::user_location, "user_location"},
    {AttributeId::time_zone, "time_zone"},
    {AttributeId::charging_id, "charging_id"},
    {AttributeId::charging_characteristics, "charging_characteristics"},
    {AttributeId::pdp_address, "pdp_address"},
    {AttributeId::pdp_type, "pdp_type"},
    {AttributeId::sgsn_address, "sgsn_address"},
    {AttributeId::ggsn_address, "ggsn_address"},
    {AttributeId::equipment, "equipment"},
    {AttributeId::recipient, "recipient"},
    {AttributeId::originator, "originator"},
    {AttributeId::selection_mode, "selection_mode"},
    {AttributeId::nsapi, "nsapi"},
    {AttributeId::routing_number, "routing_number"},
    {AttributeId::requested_party, "requested_party"},
    {AttributeId::origin_host, "origin_host"},
    {AttributeId::origin_realm, "origin_realm"},
    {AttributeId::via, "via"},
    {AttributeId::common_groups, "common_groups"},
    {AttributeId::ported_to, "ported_to"},
}};

void append(std::string& encoded, const AttributeView& attribute) {
  const std::size_t begin = encoded.size();
  encoded.resize(begin + 1 + base::ByteWriter::varint_bytes_max + attribute.value.size());
  base::ByteWriter out(encoded.data() + begin);
  out.u8(attribute.id);
  out.text(attribute.value);
  encoded.resize(static_cast<std::size_t>(out.position() - encoded.data()));
}

// The next attribute of an encoded list; false at its end or where it is broken.
bool next(base::ByteReader& in, AttributeView& attribute) {
  if (in.at_end()) return false;
  attribute.id = in.u8();
  attribute.value = in.text();
  return in.ok();
}

}  // namespace

std::string_view attribute_name(AttributeId id) {
  for (const auto& [value, name] : names) {
    if (value == id) return name;
  }
  return {};
}

void sort_attributes(std::vector<AttributeView>& attributes) {
  // Insertion sort: the lists are short and come nearly sorted, and equal numbers must keep their
  // order.
  for (std::size_t i = 1; i < attributes.size(); ++i) {
    const AttributeView moving = attributes[i];
    std::size_t at = i;
    for (; at > 0 && attributes[at - 1].id > moving.id; --at) attributes[at] = attributes[at - 1];
    attributes[at] = moving;
  }
  auto same_id = [](const AttributeView& a, const AttributeView& b) { return a.id == b.id; };
  attributes.erase(std::unique(attributes.begin(), attributes.end(), same_id), attributes.end());
}

std::uint64_t attributes_fingerprint(const std::vector<AttributeView>& attributes) {
  std::uint64_t hash = 0;
  for (const AttributeView& attribute : attributes) {
    hash = base::hash64(attribute.value, hash + attribute.id);
  }
  return hash;
}

void changed_attributes(std::string_view known, const std::vector<AttributeView>& now,
                        std::string& changed) {
  changed.clear();
  base::ByteReader in(known);
  AttributeView old;
  bool more = next(in, old);
  for (const AttributeView& attribute : now) {
    while (more && old.id < attribute.id) more = next(in, old);
    if (!more || old.id != attribute.id || old.value != attribute.value) append(changed, attribute);
  }
}

void merge_attributes(std::string& known, std::string_view changed, std::string& merged) {
  if (known.empty()) {
    known.assign(changed);
    return;
  }
  merged.clear();
  base::ByteReader old_in(known);
  base::ByteReader new_in(changed);
  AttributeView old;
  AttributeView fresh;
  bool more_old = next(old_in, old);
  bool more_new = next(new_in, fresh);
  while (more_old || more_new) {
    if (more_new && (!more_old || fresh.id <= old.id)) {
      if (more_old && fresh.id == old.id) more_old = next(old_in, old);
      append(merged, fresh);
      more_new = next(new_in, fresh);
    } else {
      append(merged, old);
      more_old = next(old_in, old);
    }
  }
  known.swap(merged);
}

bool decode_attributes(std::string_view encoded, std::vector<AttributeView>& attributes) {
  attributes.clear();
  base::ByteReader in(encoded);
  AttributeView attribute;
  while (next(in, attribute)) attributes.push_back(attribute);
  return in.ok();
}

}  // namespace farthing::engine
