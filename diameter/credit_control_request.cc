#include "diameter/credit_control_request.h"

#include "engine/attributes.h"
#include "engine/base/hash.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

namespace farthing::diameter {

namespace {

using engine::AttributeId;
using engine::Money;
using engine::ServiceRequest;

// What RFC 8506 3.1 requires in every request, less what real clients leave out.
constexpr std::array required_avps = {
    AvpId::session_id,        AvpId::origin_host,        AvpId::origin_realm,
    AvpId::destination_realm, AvpId::service_context_id, AvpId::cc_request_type,
    AvpId::cc_request_number,
};

// What a repeated request may say differently from the original: how it travels, and when it was
// sent.
constexpr bool is_charging_content(AvpId id) {
  switch (id) {
    case AvpId::destination_host:
    case AvpId::destination_realm:
    case AvpId::route_record:
    case AvpId::proxy_info:
    case AvpId::origin_state_id:
    case AvpId::event_timestamp:
      return false;
    default:
      return true;
  }
}

constexpr std::uint32_t unit_after_tariff_change = 1;  // Tariff-Change-Usage

// Reporting-Reason (TS 32.299 7.2.175): the service is over, or its grant was long unused.
constexpr bool is_given_back(std::uint32_t reporting_reason) {
  constexpr std::uint32_t quota_holding_time = 1;
  constexpr std::uint32_t final_report = 2;
  return reporting_reason == quota_holding_time || reporting_reason == final_report;
}

// AoC-Request-Type (TS 32.299 7.2.13): FULL and COST_ONLY.
constexpr bool asks_cost(std::uint32_t aoc_request_type) {
  return aoc_request_type == 1 || aoc_request_type == 2;
}

// Which AVPs, wherever they stand, are rating attributes.
constexpr std::array<std::pair<AvpId, AttributeId>, 29> attribute_rows = {{
    {AvpId::called_party_address, AttributeId::called_party},
    {AvpId::calling_party_address, AttributeId::calling_party},
    {AvpId::role_of_node, AttributeId::role_of_node},
    {AvpId::user_session_id, AttributeId::user_session_id},
    {AvpId::called_station_id, AttributeId::access_point},
    {AvpId::tgpp_sgsn_mcc_mnc, AttributeId::serving_network},
    {AvpId::tgpp_rat_type, AttributeId::rat_type},
    {AvpId::tgpp_user_location_info, AttributeId::user_location},
    {AvpId::tgpp_ms_timezone, AttributeId::time_zone},
    {AvpId::tgpp_charging_id, AttributeId::charging_id},
    {AvpId::tgpp_charging_characteristics, AttributeId::charging_characteristics},
    {AvpId::pdp_address, AttributeId::pdp_address},
    {AvpId::tgpp_pdp_type, AttributeId::pdp_type},
    {AvpId::sgsn_address, AttributeId::sgsn_address},
    {AvpId::ggsn_address, AttributeId::ggsn_address},
    {AvpId::user_equipment_info_value, AttributeId::equipment},
    {AvpId::user_equipment_info_imeisv, AttributeId::equipment},
    {AvpId::user_equipment_info_mac, AttributeId::equipment},
    {AvpId::user_equipment_info_eui64, AttributeId::equipment},
    {AvpId::user_equipment_info_modifiedeui64, AttributeId::equipment},
    {AvpId::user_equipment_info_imei, AttributeId::equipment},
    {AvpId::recipient_address, AttributeId::recipient},
    {AvpId::originator_address, AttributeId::originator},
    {AvpId::tgpp_selection_mode, AttributeId::selection_mode},
    {AvpId::tgpp_nsapi, AttributeId::nsapi},
    {AvpId::number_portability_routing_information, AttributeId::routing_number},
    {AvpId::requested_party_address, AttributeId::requested_party},
    {AvpId::origin_host, AttributeId::origin_host},
    {AvpId::origin_realm, AttributeId::origin_realm},
}};

// Attributes are gathered by number, in a word of bits.
constexpr std::size_t attribute_numbers = 32;
static_assert(std::ranges::all_of(attribute_rows, [](const auto& row) {
  return static_cast<std::size_t>(row.second) < attribute_numbers;
}));

// Of these the first at the top level counts; all of required_avps have to be there.
constexpr std::array optional_avps = {
    AvpId::requested_action,  AvpId::cc_sub_session_id,   AvpId::event_timestamp,
    AvpId::user_name,         AvpId::service_information, AvpId::requested_service_unit,
    AvpId::used_service_unit, AvpId::aoc_request_type,    AvpId::oc_supported_features,
};
constexpr std::size_t places = 1 + required_avps.size() + optional_avps.size();

// What is done with an AVP.
struct Use {
  std::uint8_t attribute = 0;  // wherever it stands
  std::uint8_t place = 0;      // at the top level: where the first of it is kept; 0: it is not
  bool is_content = true;      // at the top level: is_charging_content()
};

constexpr std::array<Use, avp_count> uses = [] {
  std::array<Use, avp_count> table{};
  for (const auto& [avp, attribute] : attribute_rows) {
    table[static_cast<std::size_t>(avp)].attribute = static_cast<std::uint8_t>(attribute);
  }
  std::uint8_t place = 0;
  for (AvpId avp : required_avps) table[static_cast<std::size_t>(avp)].place = ++place;
  for (AvpId avp : optional_avps) table[static_cast<std::size_t>(avp)].place = ++place;
  for (std::size_t avp = 0; avp < table.size(); ++avp) {
    table[avp].is_content = is_charging_content(static_cast<AvpId>(avp));
  }
  return table;
}();

constexpr Use use_of(AvpId id) { return uses[static_cast<std::size_t>(id)]; }

}  // namespace

// "460001234567890", "+8613800138000", "sip:+8613800138000@ims.example", "tel:+86-138..." ->
// digits.
std::optional<engine::Identity> identity_of(SubscriptionIdType type, std::string_view text) {
  using Kind = engine::Identity::Kind;
  const Kind kind = type == SubscriptionIdType::imsi ? Kind::imsi : Kind::e164;
  if (type > SubscriptionIdType::sip_uri) return std::nullopt;
  for (std::string_view scheme : {"sip:", "sips:", "tel:"}) {
    if (text.starts_with(scheme)) {
      text.remove_prefix(scheme.size());
      text = text.substr(0, text.find_first_of("@;"));
      break;
    }
  }
  if (text.starts_with('+')) text.remove_prefix(1);
  return engine::Identity::make(kind, text);
}

namespace {

class Reader {
 public:
  Reader(const Message& message, std::uint32_t currency_code, CreditControlRequest& out)
      : message_(message), currency_code_(currency_code), out_(out), request_(out.request) {}

  std::optional<RequestError> read() {
    request_.clear();
    out_.services.clear();
    sort_out();
    if (auto wrong = read_required()) return wrong;
    read_identities();
    return read_services();
  }

 private:
  std::optional<RequestError> invalid(const Avp& avp) const {
    return RequestError{ResultCode::invalid_avp_value, FailedAvp::of(message_, avp)};
  }

  void sort_out();
  std::optional<RequestError> read_required();
  // The first at the top level; nullptr: there is none. REQUIRES: a row of the tables above.
  const Avp* first(AvpId id) const { return first_[use_of(id).place]; }
  void read_identities();
  void add_identity(const Avp& subscription);
  void add_extended_identity(const Avp& subscription);
  std::optional<RequestError> read_services();
  std::optional<RequestError> read_service(const Avp& mscc);
  std::optional<RequestError> read_requested(const Avp& units, ServiceRequest& service);
  std::optional<RequestError> read_used(const Avp& units, ServiceRequest& service);
  std::optional<RequestError> add_used(const Avp& units, engine::UsedUnits& used);
  std::optional<RequestError> read_money(const Avp& avp, std::optional<Money>& money) const;

  const Message& message_;
  std::uint32_t currency_code_;
  CreditControlRequest& out_;
  engine::Request& request_;
  std::array<const Avp*, places> first_{};
};

// One pass over all: where things stand, the content's hash, attributes.
void Reader::sort_out() {
  std::array<std::string_view, attribute_numbers> attributes;  // by number; of each the first
  std::uint32_t have = 0;                                      // a bit a number
  std::uint64_t content = 0;
  for (const Avp& avp : message_.tape()) {
    const Use use = use_of(avp.id);
    if (use.attribute != 0 && (have >> use.attribute & 1) == 0) {
      have |= 1u << use.attribute;
      attributes[use.attribute] = avp.text();
    }
    if (avp.depth != 0) continue;
    if (use.is_content) {
      const Bytes raw = avp.raw();
      content = base::hash64({reinterpret_cast<const char*>(raw.data()), raw.size()}, content);
    }
    if (use.place != 0 && first_[use.place] == nullptr) first_[use.place] = &avp;
    if (avp.id == AvpId::multiple_services_credit_control) out_.services.push_back(&avp);
    if (avp.id == AvpId::subscription_id) add_identity(avp);
    if (avp.id == AvpId::subscription_id_extension) add_extended_identity(avp);
  }
  request_.key.content = content;
  for (; have != 0; have &= have - 1) {
    const auto number = static_cast<std::uint8_t>(std::countr_zero(have));
    request_.attributes.push_back({number, attributes[number]});
  }
}

std::optional<RequestError> Reader::read_required() {
  for (AvpId id : required_avps) {
    if (first(id) == nullptr) return RequestError{ResultCode::missing_avp, FailedAvp::missing(id)};
  }
  request_.session_id = first(AvpId::session_id)->text();
  out_.knows_overload = first(AvpId::oc_supported_features) != nullptr;
  request_.service_context = first(AvpId::service_context_id)->text();
  const Avp& type = *first(AvpId::cc_request_type);
  if (type.u32() < 1 || type.u32() > 4) return invalid(type);
  request_.key.type = static_cast<engine::RequestType>(type.u32());
  request_.key.number = first(AvpId::cc_request_number)->u32();
  request_.key.end_to_end = message_.header().end_to_end;
  request_.retransmitted = message_.header().is_retransmitted();
  if (const Avp* avp = first(AvpId::cc_sub_session_id)) request_.key.sub_session = avp->u64();
  if (const Avp* avp = first(AvpId::event_timestamp)) request_.event_time = avp->time();
  if (const Avp* avp = first(AvpId::aoc_request_type)) request_.asks_cost = asks_cost(avp->u32());
  if (request_.key.type ==
      engine::RequestType::event) {  // RFC 8506 8.41: elsewhere it means nothing
    const Avp* const action = first(AvpId::requested_action);
    if (action == nullptr) {
      return RequestError{ResultCode::missing_avp, FailedAvp::missing(AvpId::requested_action)};
    }
    if (action->u32() > 3) return invalid(*action);
    request_.action = static_cast<engine::RequestedAction>(action->u32());
  }
  return std::nullopt;
}

// Where no Subscription-Id at the top level names anybody: those inside Service-Information;
// User-Name last.
void Reader::read_identities() {
  if (!request_.identities.empty()) return;
  if (const Avp* information = first(AvpId::service_information)) {
    for (const Avp& avp : message_.children(*information)) {
      if (avp.id == AvpId::subscription_id) add_identity(avp);
    }
  }
  const Avp* const user_name = first(AvpId::user_name);
  if (request_.identities.empty() && user_name != nullptr) {
    if (auto identity = identity_of(SubscriptionIdType::e164, user_name->text())) {
      request_.identities.push_back(*identity);
    }
  }
}

void Reader::add_identity(const Avp& subscription) {
  const Avp* const type = message_.find(subscription, AvpId::subscription_id_type);
  const Avp* const data = message_.find(subscription, AvpId::subscription_id_data);
  if (type == nullptr || data == nullptr) return;
  const auto kind = static_cast<SubscriptionIdType>(type->u32());
  if (const auto identity = identity_of(kind, data->text()))
    request_.identities.push_back(*identity);
}

// The same in the form of RFC 8506 8.58, beside the other or instead of it.
void Reader::add_extended_identity(const Avp& subscription) {
  for (const Avp& avp : message_.children(subscription)) {
    std::optional<engine::Identity> identity;
    if (avp.id == AvpId::subscription_id_imsi) {
      identity = identity_of(SubscriptionIdType::imsi, avp.text());
    } else if (avp.id == AvpId::subscription_id_e164 || avp.id == AvpId::subscription_id_sip_uri) {
      identity = identity_of(SubscriptionIdType::e164, avp.text());
    }
    if (identity) request_.identities.push_back(*identity);
  }
}

std::optional<RequestError> Reader::read_services() {
  for (const Avp* service : out_.services) {
    if (auto wrong = read_service(*service)) return wrong;
  }
  if (request_.service_count > 0) return std::nullopt;
  const bool event = request_.key.type == engine::RequestType::event;
  if (first(AvpId::requested_service_unit) == nullptr &&
      first(AvpId::used_service_unit) == nullptr && !event) {
    return std::nullopt;
  }

  request_.command_level = true;
  ServiceRequest& service = request_.add_service();
  out_.services.push_back(nullptr);
  for (const Avp& avp : message_.avps()) {
    std::optional<RequestError> wrong;
    if (avp.id == AvpId::requested_service_unit) wrong = read_requested(avp, service);
    if (avp.id == AvpId::used_service_unit) wrong = read_used(avp, service);
    if (wrong) return wrong;
  }
  return std::nullopt;
}

std::optional<RequestError> Reader::read_service(const Avp& mscc) {
  ServiceRequest& service = request_.add_service();
  for (const Avp& avp : message_.children(mscc)) {
    std::optional<RequestError> wrong;
    if (avp.id == AvpId::rating_group) service.rating_group = engine::RatingGroup(avp.u32());
    if (avp.id == AvpId::service_identifier) service.service_identifiers.emplace_back(avp.u32());
    if (avp.id == AvpId::reporting_reason) service.is_given_back |= is_given_back(avp.u32());
    if (avp.id == AvpId::requested_service_unit) wrong = read_requested(avp, service);
    if (avp.id == AvpId::used_service_unit) wrong = read_used(avp, service);
    if (wrong) return wrong;
  }
  return std::nullopt;
}

std::optional<RequestError> Reader::read_requested(const Avp& units, ServiceRequest& service) {
  engine::RequestedUnits& requested = service.requested.emplace();
  for (const Avp& avp : message_.children(units)) {
    if (avp.id == AvpId::cc_time) requested.seconds = avp.u32();
    if (avp.id == AvpId::cc_total_octets) requested.total_octets = avp.u64();
    if (avp.id == AvpId::cc_input_octets) requested.input_octets = avp.u64();
    if (avp.id == AvpId::cc_output_octets) requested.output_octets = avp.u64();
    if (avp.id == AvpId::cc_service_specific_units) requested.events = avp.u64();
    if (avp.id == AvpId::cc_money) {
      if (auto wrong = read_money(avp, requested.money)) return wrong;
    }
  }
  return std::nullopt;
}

// Several Used-Service-Units are one report (RFC 8506 8.16); those after a change of the tariff
// (8.27) are kept apart, too.
std::optional<RequestError> Reader::read_used(const Avp& units, ServiceRequest& service) {
  if (!service.used) service.used.emplace();
  if (auto wrong = add_used(units, *service.used)) return wrong;
  if (const Avp* reason =
          message_.find(units, AvpId::reporting_reason)) {  // clients put it here, too
    service.is_given_back |= is_given_back(reason->u32());
  }
  const Avp* const usage = message_.find(units, AvpId::tariff_change_usage);
  if (usage == nullptr || usage->u32() != unit_after_tariff_change) return std::nullopt;
  if (!service.used_after) service.used_after.emplace();
  return add_used(units, *service.used_after);
}

// Within each the total octets count alone where they are given, else the directions together
// (RFC 8506 8.23 to 8.25).
std::optional<RequestError> Reader::add_used(const Avp& units, engine::UsedUnits& used) {
  auto add = [](std::optional<std::uint64_t>& sum, std::uint64_t more) {
    std::uint64_t total = 0;
    sum = __builtin_add_overflow(sum.value_or(0), more, &total)
              ? std::numeric_limits<std::uint64_t>::max()
              : total;
  };
  std::optional<std::uint64_t> total;
  std::optional<std::uint64_t> directions;
  for (const Avp& avp : message_.children(units)) {
    if (avp.id == AvpId::cc_time) add(used.seconds, avp.u32());
    if (avp.id == AvpId::cc_total_octets) add(total, avp.u64());
    if (avp.id == AvpId::cc_input_octets) add(directions, avp.u64());
    if (avp.id == AvpId::cc_output_octets) add(directions, avp.u64());
    if (avp.id == AvpId::cc_service_specific_units) add(used.events, avp.u64());
    if (avp.id == AvpId::cc_money) {
      std::optional<Money> money;
      if (auto wrong = read_money(avp, money)) return wrong;
      Money sum;
      if (!tariffs::add(used.money.value_or(Money()), *money, sum)) return invalid(avp);
      used.money = sum;
    }
  }
  if (total || directions) add(used.octets, total ? *total : *directions);
  return std::nullopt;
}

// Unit-Value = Value-Digits * 10^Exponent (RFC 8506 8.8): exact, or refused.
std::optional<RequestError> Reader::read_money(const Avp& avp, std::optional<Money>& money) const {
  const Avp* const value = message_.find(avp, AvpId::unit_value);
  if (value == nullptr) {
    return RequestError{ResultCode::missing_avp,
                        FailedAvp::missing_in(message_, avp, AvpId::unit_value)};
  }
  const Avp* const digits = message_.find(*value, AvpId::value_digits);
  if (digits == nullptr) {
    return RequestError{ResultCode::missing_avp,
                        FailedAvp::missing_in(message_, *value, AvpId::value_digits)};
  }
  const Avp* const currency = message_.find(avp, AvpId::currency_code);
  if (currency != nullptr && currency->u32() != currency_code_) return invalid(*currency);
  const Avp* const exponent = message_.find(*value, AvpId::exponent);
  std::int64_t power = (exponent == nullptr ? 0 : std::int64_t{exponent->i32()}) + 6;
  std::int64_t micros = digits->i64();
  if (micros < 0) return invalid(*digits);
  for (; power > 0 && micros != 0; --power) {
    if (__builtin_mul_overflow(micros, 10, &micros)) return invalid(*digits);
  }
  for (; power < 0 && micros != 0; ++power) {
    if (micros % 10 != 0) return invalid(*digits);  // finer than a millionth
    micros /= 10;
  }
  money = Money(micros);
  return std::nullopt;
}

}  // namespace

std::optional<RequestError> read_request(const Message& message, std::uint32_t currency_code,
                                         CreditControlRequest& out) {
  return Reader(message, currency_code, out).read();
}

}  // namespace farthing::diameter
