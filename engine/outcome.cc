#include "engine/outcome.h"

#include "engine/base/bytes.h"

namespace farthing::engine {

namespace {

// Flags of an answer and of each service in it. The numbers stand in the ledger.
enum AnswerFlag : std::uint8_t {
  answer_command_level = 1,
  answer_checked = 2,
  answer_enough_credit = 4,
  answer_cost = 8,
  answer_low_balance = 16,
};
enum ServiceFlag : std::uint8_t {
  service_rating_group = 1,
  service_grant = 2,
  service_by_direction = 4,
  service_input = 8,
  service_final_unit = 16,
  service_holding_time = 32,
  service_threshold = 64,
  service_more = 128,  // another byte of flags follows
};
enum MoreServiceFlag : std::uint8_t {
  more_final_action = 1,
  more_validity = 2,  // without a grant
  more_tariff_change = 4,
  more_second = 8,
  more_grant_terms = 16,
};

constexpr std::uint8_t outcome_last = static_cast<std::uint8_t>(Outcome::not_applicable);
constexpr std::uint8_t fault_last = static_cast<std::uint8_t>(Fault::units);

void write_service(base::ByteWriter& out, const ServiceAnswer& service) {
  std::uint8_t flags = 0;
  if (service.rating_group) flags |= service_rating_group;
  if (service.grant) flags |= service_grant;
  if (service.grant && service.grant->by_direction) flags |= service_by_direction;
  if (service.grant && service.grant->input) flags |= service_input;
  if (service.final_unit) flags |= service_final_unit;
  if (service.grant && service.holding_seconds) flags |= service_holding_time;
  if (service.grant && service.threshold > 0) flags |= service_threshold;
  std::uint8_t more = 0;
  if (!service.final_action.empty()) more |= more_final_action;
  if (!service.grant && service.validity_seconds > 0) more |= more_validity;
  if (service.tariff_change) more |= more_tariff_change;
  if (service.has_second) more |= more_second;
  if (!service.grant_terms.empty()) more |= more_grant_terms;
  if (more != 0) flags |= service_more;
  out.u8(flags);
  if (more != 0) out.u8(more);
  out.u8(static_cast<std::uint8_t>(service.outcome));
  out.u8(static_cast<std::uint8_t>(service.fault));
  if (service.rating_group) out.varint(service.rating_group->value);
  out.varint(service.service_identifiers.size());
  for (ServiceIdentifier identifier : service.service_identifiers) out.varint(identifier.value);
  if (service.grant) {
    out.u8(static_cast<std::uint8_t>(service.grant->unit));
    out.varint(service.grant->amount);
    if (service.grant->input) out.varint(*service.grant->input);
    out.varint(service.validity_seconds);
    if (service.holding_seconds) out.varint(*service.holding_seconds);
    if (service.threshold > 0) out.varint(service.threshold);
  }
  if (more & more_final_action) out.text(service.final_action);
  if (more & more_validity) out.varint(service.validity_seconds);
  if (more & more_tariff_change) {
    out.signed_varint(service.tariff_change->time_since_epoch().count());
  }
  if (more & more_grant_terms) out.text(service.grant_terms);
}

bool read_service(base::ByteReader& in, ServiceAnswer& service) {
  const std::uint8_t flags = in.u8();
  const std::uint8_t more = flags & service_more ? in.u8() : 0;
  const std::uint8_t outcome = in.u8();
  const std::uint8_t fault = in.u8();
  if (outcome > outcome_last || fault > fault_last) return false;
  service.outcome = static_cast<Outcome>(outcome);
  service.fault = static_cast<Fault>(fault);
  if (flags & service_rating_group) service.rating_group = RatingGroup(in.number<std::uint32_t>());
  const std::size_t identifiers = in.count();
  for (std::size_t i = 0; i < identifiers; ++i) {
    service.service_identifiers.emplace_back(in.number<std::uint32_t>());
  }
  service.final_unit = (flags & service_final_unit) != 0;
  if (flags & service_grant) {
    const std::uint8_t unit = in.u8();
    if (unit > static_cast<std::uint8_t>(Unit::money)) return false;
    Grant& grant = service.grant.emplace();
    grant.unit = static_cast<Unit>(unit);
    grant.amount = in.varint();
    grant.by_direction = (flags & service_by_direction) != 0;
    if (flags & service_input) grant.input = in.varint();
    service.validity_seconds = in.number<std::uint32_t>();
    if (flags & service_holding_time) service.holding_seconds = in.number<std::uint32_t>();
    if (flags & service_threshold) service.threshold = in.number<std::uint32_t>();
  }
  if (more & more_final_action) {
    service.final_action = in.text();
    if (!tariffs::is_final_action(service.final_action)) return false;
  }
  if (more & more_validity) service.validity_seconds = in.number<std::uint32_t>();
  if (more & more_tariff_change) service.tariff_change = Time(Duration(in.signed_varint()));
  service.has_second = (more & more_second) != 0;
  if (more & more_grant_terms) {
    service.grant_terms = in.text();
    if (!tariffs::are_grant_terms(service.grant_terms)) return false;
  }
  return in.ok();
}

}  // namespace

void encode_outcome(const Answer& answer, std::string& out) {
  constexpr std::size_t number = base::ByteWriter::varint_bytes_max;
  std::size_t bound = 5 * number;
  for (std::size_t i = 0; i < answer.service_count; ++i) {
    const ServiceAnswer& service = answer.services[i];
    bound += (12 + service.service_identifiers.size()) * number + service.final_action.size() +
             service.grant_terms.size();
  }
  out.resize(bound);
  base::ByteWriter writer(out.data());
  std::uint8_t flags = 0;
  if (answer.command_level) flags |= answer_command_level;
  if (answer.enough_credit) flags |= answer_checked;
  if (answer.enough_credit.value_or(false)) flags |= answer_enough_credit;
  if (answer.cost) flags |= answer_cost;
  if (answer.low_balance) flags |= answer_low_balance;
  writer.u8(flags);
  writer.u8(static_cast<std::uint8_t>(answer.outcome));
  writer.u8(static_cast<std::uint8_t>(answer.fault));
  if (answer.cost) writer.signed_varint(answer.cost->micros);
  if (answer.low_balance) writer.signed_varint(answer.low_balance->micros);
  writer.varint(answer.service_count);
  for (std::size_t i = 0; i < answer.service_count; ++i) write_service(writer, answer.services[i]);
  out.resize(static_cast<std::size_t>(writer.position() - out.data()));
}

bool decode_outcome(std::string_view bytes, Answer& answer) {
  answer.clear();
  base::ByteReader in(bytes);
  const std::uint8_t flags = in.u8();
  const std::uint8_t outcome = in.u8();
  const std::uint8_t fault = in.u8();
  if (outcome > outcome_last || fault > fault_last) return false;
  answer.command_level = (flags & answer_command_level) != 0;
  if (flags & answer_checked) answer.enough_credit = (flags & answer_enough_credit) != 0;
  answer.outcome = static_cast<Outcome>(outcome);
  answer.fault = static_cast<Fault>(fault);
  if (flags & answer_cost) answer.cost = Money(in.signed_varint());
  if (flags & answer_low_balance) answer.low_balance = Money(in.signed_varint());
  const std::size_t services = in.count();
  for (std::size_t i = 0; i < services; ++i) {
    if (!read_service(in, answer.add_service())) return false;
  }
  return in.ok() && in.at_end();
}

}  // namespace farthing::engine
