#include "diameter/dictionary.h"

namespace farthing::diameter {

namespace {

struct SizeBounds {
  std::uint8_t min;
  std::uint32_t max;
};

// RFC 6733 4.2 and 4.3. An Address has two octets of family before the address.
consteval SizeBounds size_bounds(AvpType type) {
  constexpr std::uint32_t any = 0xffffff;
  switch (type) {
    case AvpType::integer32:
    case AvpType::unsigned32:
    case AvpType::float32:
    case AvpType::enumerated:
    case AvpType::time:
      return {4, 4};
    case AvpType::integer64:
    case AvpType::unsigned64:
    case AvpType::float64:
      return {8, 8};
    case AvpType::address:
      return {2, any};
    default:
      return {0, any};
  }
}

consteval AvpDefinition row(AvpId id, std::uint32_t vendor, std::uint32_t code,
                            std::string_view name, AvpType type, int rules) {
  const SizeBounds bounds = size_bounds(type);
  const int flags = (vendor != 0 ? 0x80 : 0) | ((rules & avp_rule::mandatory) != 0 ? 0x40 : 0);
  return {name,
          code,
          vendor,
          id,
          type,
          static_cast<std::uint8_t>(rules),
          static_cast<std::uint8_t>(flags),
          bounds.min,
          bounds.max};
}

consteval std::array<AvpDefinition, avp_count> make_definitions() {
  using namespace avp_rule;
  using namespace vendor;
  return {
      AvpDefinition{"unknown"},
#define AVP(id, vendor, code, name, type, rules) \
  row(AvpId::id, vendor, code, name, AvpType::type, rules),
#include "diameter/avp_table.def"
  };
}

consteval std::array<AvpShape, avp_count> make_shapes() {
  std::array<AvpShape, avp_count> shapes{};
  const auto definitions = make_definitions();
  for (std::size_t i = 1; i < definitions.size(); ++i) {
    const AvpDefinition& avp = definitions[i];
    AvpShape& shape = shapes[i];
    shape.flags = avp.flags & 0x80;
    if (avp.size_bytes_min == avp.size_bytes_max) shape.size_bytes = avp.size_bytes_min;
    constexpr std::uint8_t rules = avp_rule::once | avp_rule::text | avp_rule::filled;
    shape.has_rules = (avp.rules & rules) != 0 || avp.type == AvpType::address;
    shape.has_avps = avp.type == AvpType::grouped && (avp.rules & avp_rule::opaque) == 0;
  }
  return shapes;
}

template <std::size_t codes>
consteval std::array<AvpId, codes> make_index(std::uint32_t vendor) {
  std::array<AvpId, codes> index{};
  const auto definitions = make_definitions();
  for (std::size_t i = 1; i < definitions.size(); ++i) {
    const AvpDefinition& avp = definitions[i];
    if (avp.vendor != vendor) continue;
    if (index[avp.code] != AvpId::unknown) throw "two rows with one code";  // Stops the compiler.
    index[avp.code] = avp.id;
  }
  return index;
}

}  // namespace

namespace detail {
constinit const std::array<AvpDefinition, avp_count> avp_definitions = make_definitions();
constinit const std::array<AvpShape, avp_count> avp_shapes = make_shapes();
constinit const std::array<AvpId, ietf_codes> ietf_avps = make_index<ietf_codes>(vendor::ietf);
constinit const std::array<AvpId, tgpp_codes> tgpp_avps = make_index<tgpp_codes>(vendor::tgpp);
}  // namespace detail

std::string_view name(ResultCode code) {
  switch (code) {
#define FARTHING_ROW(id, number, text) \
  case ResultCode::id:                 \
    return text;
    FARTHING_RESULT_CODES(FARTHING_ROW)
#undef FARTHING_ROW
  }
  return "UNKNOWN_RESULT_CODE";
}

}  // namespace farthing::diameter
