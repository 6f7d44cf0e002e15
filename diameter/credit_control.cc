#include "diameter/credit_control.h"

#include "diameter/network.h"
#include "engine/attributes.h"

#include <algorithm>
#include <array>
#include <utility>

namespace farthing::diameter {

namespace {

using engine::Fault;
using engine::Outcome;
using tariffs::FinalPart;
using tariffs::GrantTerm;

// How each way that a request can end is told to the client (RFC 8506 9, RFC 6733 7.1), by Outcome.
constexpr std::array result_codes = {
    ResultCode::success,
    ResultCode::end_user_service_denied,
    ResultCode::credit_limit_reached,
    ResultCode::rating_failed,
    ResultCode::user_unknown,
    ResultCode::unknown_session_id,
    ResultCode::unable_to_comply,
    ResultCode::too_busy,
    ResultCode::credit_control_not_applicable,
};

ResultCode result_code(Outcome outcome) { return result_codes[static_cast<std::size_t>(outcome)]; }

void put_money(Writer& writer, AvpId group, engine::Money money, std::uint32_t currency_code) {
  writer.begin_group(group);
  writer.begin_group(AvpId::unit_value);
  writer.put_i64(AvpId::value_digits, money.micros);
  writer.put_i32(AvpId::exponent, -6);
  writer.end_group();
  writer.put_u32(AvpId::currency_code, currency_code);
  writer.end_group();
}

void put_grant(Writer& writer, const engine::Grant& grant,
               const std::optional<engine::Time>& tariff_change, std::uint32_t currency_code) {
  writer.begin_group(AvpId::granted_service_unit);
  if (tariff_change) writer.put_time(AvpId::tariff_time_change, *tariff_change);
  switch (grant.unit) {
    case engine::Unit::seconds:
      writer.put_u32(AvpId::cc_time, static_cast<std::uint32_t>(grant.amount));
      break;
    case engine::Unit::octets:
      if (grant.by_direction) {
        const std::uint64_t input = grant.input.value_or(0);
        if (input > 0) writer.put_u64(AvpId::cc_input_octets, input);
        if (grant.amount > input) writer.put_u64(AvpId::cc_output_octets, grant.amount - input);
      } else {
        writer.put_u64(AvpId::cc_total_octets, grant.amount);
      }
      break;
    case engine::Unit::events:
      writer.put_u64(AvpId::cc_service_specific_units, grant.amount);
      break;
    case engine::Unit::money:
      put_money(writer, AvpId::cc_money, engine::Money(static_cast<std::int64_t>(grant.amount)),
                currency_code);
      break;
  }
  writer.end_group();
}

// Final-Unit-Indication (RFC 8506 8.34): with TERMINATE nothing but the action.
void put_final_unit(Writer& writer, std::string_view action) {
  writer.begin_group(AvpId::final_unit_indication);
  writer.put_u32(AvpId::final_unit_action,
                 static_cast<std::uint32_t>(tariffs::final_action_of(action)));
  tariffs::visit_final_parts(action, [&writer](FinalPart part, std::string_view text) {
    if (part == FinalPart::filter) writer.put_text(AvpId::restriction_filter_rule, text);
    if (part == FinalPart::filter_id) writer.put_text(AvpId::filter_id, text);
    if (!tariffs::is_redirect_address(part)) return;
    writer.begin_group(AvpId::redirect_server);
    writer.put_u32(AvpId::redirect_address_type, static_cast<std::uint32_t>(part));
    writer.put_text(AvpId::redirect_server_address, text);
    writer.end_group();
  });
  writer.end_group();
}

// QoS-Final-Unit-Indication (RFC 8506 8.68), beside the other, to a client that knows it: what it
// says goes before.
void put_qos_final_unit(Writer& writer, std::string_view action) {
  writer.begin_group(AvpId::qos_final_unit_indication);
  writer.put_u32(AvpId::final_unit_action,
                 static_cast<std::uint32_t>(tariffs::final_action_of(action)));
  tariffs::visit_final_parts(action, [&writer](FinalPart part, std::string_view text) {
    if (part == FinalPart::filter_id) writer.put_text(AvpId::filter_id, text);
    if (!tariffs::is_redirect_address(part)) return;
    writer.begin_group(AvpId::redirect_server_extension);
    if (part == FinalPart::url) {
      writer.put_text(AvpId::redirect_address_url, text);
    } else if (part == FinalPart::sip_uri) {
      writer.put_text(AvpId::redirect_address_sip_uri, text);
    } else if (const auto address = IpAddress::parse(text)) {
      writer.put_address(AvpId::redirect_address_ipaddress, address->to_avp());
    }
    writer.end_group();
  });
  writer.end_group();
}

// What a grant says, in the MSCC or at command level alike.
void put_units(Writer& writer, const engine::ServiceAnswer& service, bool knows_qos,
               std::uint32_t currency_code) {
  if (service.grant) put_grant(writer, *service.grant, service.tariff_change, currency_code);
  if (service.validity_seconds > 0) writer.put_u32(AvpId::validity_time, service.validity_seconds);
  if (service.final_unit) put_final_unit(writer, service.final_action);
  if (service.final_unit && knows_qos) put_qos_final_unit(writer, service.final_action);
}

// When the client is to come back before a grant is used up (TS 32.299 7.2); in an MSCC only.
void put_thresholds(Writer& writer, const engine::ServiceAnswer& service) {
  if (!service.grant) return;
  if (service.holding_seconds) writer.put_u32(AvpId::quota_holding_time, *service.holding_seconds);
  if (service.threshold == 0) return;
  switch (service.grant->unit) {
    case engine::Unit::seconds:
      writer.put_u32(AvpId::time_quota_threshold, service.threshold);
      break;
    case engine::Unit::octets:
      writer.put_u32(AvpId::volume_quota_threshold, service.threshold);
      break;
    case engine::Unit::events:
      writer.put_u32(AvpId::unit_quota_threshold, service.threshold);
      break;
    case engine::Unit::money:  // there is no such AVP
      break;
  }
}

// Which of two quotas it is (Tariff-Change-Usage, RFC 8506 8.27); none: there is one.
enum class Quota : std::uint32_t { before_change = 0, after_change = 1, only = 2 };

// What the tariff says of how a grant is used, as it is (TS 32.299 7.2).
void put_grant_terms(Writer& writer, std::string_view terms) {
  std::optional<AvpId> open;  // the group at hand
  const auto in_group = [&](std::optional<AvpId> group) {
    if (open == group) return;
    if (open) writer.end_group();
    if (group) writer.begin_group(*group);
    open = group;
  };
  tariffs::visit_grant_terms(terms, [&](GrantTerm term, std::uint32_t value) {
    switch (term) {
      case GrantTerm::consumption_time:
        in_group(std::nullopt);
        return writer.put_u32(AvpId::quota_consumption_time, value);
      case GrantTerm::time_quota_type:
        in_group(AvpId::time_quota_mechanism);
        return writer.put_u32(AvpId::time_quota_type, value);
      case GrantTerm::time_quota_interval:
        in_group(AvpId::time_quota_mechanism);
        return writer.put_u32(AvpId::base_time_interval, value);
      case GrantTerm::trigger:
        in_group(AvpId::trigger);
        return writer.put_u32(AvpId::trigger_type, value);
      case GrantTerm::envelope_reporting:
        in_group(std::nullopt);
        return writer.put_u32(AvpId::envelope_reporting, value);
    }
  });
  in_group(std::nullopt);
}

void put_service(Writer& writer, const engine::ServiceAnswer& service, Quota quota, bool knows_qos,
                 std::uint32_t currency_code) {
  writer.begin_group(AvpId::multiple_services_credit_control);
  for (engine::ServiceIdentifier identifier : service.service_identifiers) {
    writer.put_u32(AvpId::service_identifier, identifier.value);
  }
  if (service.rating_group) writer.put_u32(AvpId::rating_group, service.rating_group->value);
  if (quota != Quota::only) {
    writer.put_u32(AvpId::tariff_change_usage, static_cast<std::uint32_t>(quota));
  }
  writer.put_result(result_code(service.outcome));
  put_units(writer, service, knows_qos, currency_code);
  put_thresholds(writer, service);
  put_grant_terms(writer, service.grant_terms);
  writer.end_group();
}

engine::Client client_of(const PeerProfile& profile) {
  static_assert(static_cast<int>(PeerProfile::TariffChange::two_quotas) ==
                static_cast<int>(engine::TariffChange::two_quotas));
  engine::Client client;
  client.acts_at_end = profile.final_units == PeerProfile::FinalUnits::any;
  client.tariff_change = static_cast<engine::TariffChange>(profile.tariff_change);
  client.knows_not_applicable =
      profile.free_service == PeerProfile::FreeService::credit_control_not_applicable;
  client.names_rating_groups = profile.rating_groups == PeerProfile::RatingGroups::strict;
  return client;
}

// Said on purpose, once a session or debit, as what is left out means "do not" (RFC 8506 5.7, 6.5):
// a session may go on over another connection, and a request that was not answered may be repeated
// there: it is charged once.
void put_failure_handling(Writer& writer, const engine::Request& request) {
  constexpr std::uint32_t failover_supported = 1;
  constexpr std::uint32_t retry_and_terminate = 2;
  constexpr std::uint32_t terminate_or_buffer = 0;
  if (request.key.type == engine::RequestType::initial) {
    writer.put_u32(AvpId::cc_session_failover, failover_supported);
    writer.put_u32(AvpId::credit_control_failure_handling, retry_and_terminate);
  }
  if (request.key.type == engine::RequestType::event &&
      request.action == engine::RequestedAction::direct_debiting) {
    writer.put_u32(AvpId::direct_debiting_failure_handling, terminate_or_buffer);
  }
}

}  // namespace

engine::Shard::Hold CreditControl::decide(const Message& message, const PeerProfile& profile,
                                          std::string_view via) {
  error_ = read_request(message, currency_code(), request_);
  if (error_) return engine::Shard::Hold::ready;
  engine::Request& request = request_.request;
  request.client = client_of(profile);
  request.client.via = via;
  knows_qos_ = profile.qos_final_unit;
  constexpr auto origin_host = static_cast<std::uint8_t>(engine::AttributeId::origin_host);
  const auto origin =
      std::ranges::find(request.attributes, origin_host, &engine::AttributeView::id);
  if (!via.empty() && (origin == request.attributes.end() || origin->value != via)) {
    request.attributes.push_back({static_cast<std::uint8_t>(engine::AttributeId::via), via});
  }
  return shard_.handle(request);
}

void CreditControl::write(const Message& message, Buffer& out) const {
  const engine::Answer& answer = shard_.answer();
  if (error_) {
    write_error_answer(out, message, identity_, error_->code, error_->failed_avp);
  } else if (answer.outcome == Outcome::success) {
    write_answer(message, answer, out);
  } else {
    write_refusal(message, answer, out);
  }
}

// RFC 8506 3.2. What freeDiameter's rules require stands in every answer: without it such a client
// throws the answer away.
void CreditControl::write_answer(const Message& message, const engine::Answer& answer,
                                 Buffer& out) const {
  const engine::Request& request = request_.request;
  const std::uint32_t currency = currency_code();
  Writer writer(out);
  writer.begin_answer(message.header());
  writer.put_text(AvpId::session_id, request.session_id);
  writer.put_result(ResultCode::success);
  writer.put_text(AvpId::origin_host, identity_.origin_host);
  writer.put_text(AvpId::origin_realm, identity_.origin_realm);
  writer.put_u32(AvpId::auth_application_id, application::credit_control);
  writer.put_u32(AvpId::cc_request_type, static_cast<std::uint32_t>(request.key.type));
  writer.put_u32(AvpId::cc_request_number, request.key.number);
  if (request.key.sub_session != 0) {
    writer.put_u64(AvpId::cc_sub_session_id, request.key.sub_session);
  }
  if (answer.command_level && answer.service_count > 0) {
    put_units(writer, answer.services[0], knows_qos_, currency);
  } else {
    for (std::size_t i = 0; i < answer.service_count; ++i) {
      const engine::ServiceAnswer& service = answer.services[i];
      put_service(writer, service, service.has_second ? Quota::before_change : Quota::only,
                  knows_qos_, currency);
      if (service.has_second) {
        put_service(writer, service, Quota::after_change, knows_qos_, currency);
      }
    }
  }
  put_failure_handling(writer, request);
  if (answer.low_balance) {
    constexpr std::uint32_t yes = 1;
    writer.put_u32(AvpId::low_balance_indication, yes);
    put_money(writer, AvpId::remaining_balance, *answer.low_balance, currency);
  }
  if (answer.cost) put_money(writer, AvpId::cost_information, *answer.cost, currency);
  if (answer.enough_credit) {
    // ENOUGH_CREDIT is 0 (RFC 8506 8.6).
    writer.put_u32(AvpId::check_balance_result, *answer.enough_credit ? 0 : 1);
  }
  put_failed_avps(writer, message, answer);
  if (request_.knows_overload) {
    put_overload_report(writer, overload_ == nullptr ? std::nullopt : *overload_);
  }
  writer.copy_all(message, AvpId::proxy_info);
  writer.finish();
}

// One for each service that could not be rated; what stands outside of their MSCCs, once.
void CreditControl::put_failed_avps(Writer& writer, const Message& message,
                                    const engine::Answer& answer) const {
  bool outside = false;
  for (std::size_t i = 0; i < answer.service_count; ++i) {
    if (answer.services[i].outcome != Outcome::rating_failed) continue;
    const FailedAvp failed = failed_avp(message, answer.services[i].fault, i);
    if (failed.groups_count == 0 && std::exchange(outside, true)) continue;
    writer.put_failed_avp(failed);
  }
}

void CreditControl::write_refusal(const Message& message, const engine::Answer& answer,
                                  Buffer& out) const {
  std::optional<FailedAvp> failed;
  if (answer.outcome == Outcome::rating_failed) failed = failed_avp(message, answer.fault, 0);
  if (answer.outcome == Outcome::unknown_session) {
    if (const Avp* session = message.find(AvpId::session_id))
      failed = FailedAvp::of(message, *session);
  }
  write_error_answer(out, message, identity_, result_code(answer.outcome), failed);
}

// The AVP that could not be rated, in the group that it stood in, or an example of the missing one
// (RFC 8506 9.2).
FailedAvp CreditControl::failed_avp(const Message& message, Fault fault,
                                    std::size_t service) const {
  const Avp* const mscc = service < request_.services.size() ? request_.services[service] : nullptr;
  auto find = [&](AvpId id) {
    return mscc == nullptr ? message.find(id) : message.find(*mscc, id);
  };
  if (fault == Fault::units) {
    if (const Avp* units = find(AvpId::requested_service_unit))
      return FailedAvp::of(message, *units);
    if (const Avp* units = find(AvpId::used_service_unit)) return FailedAvp::of(message, *units);
  }
  if (fault == Fault::rating_group) {
    if (const Avp* group = find(AvpId::rating_group)) return FailedAvp::of(message, *group);
    return mscc == nullptr ? FailedAvp::missing(AvpId::rating_group)
                           : FailedAvp::missing_in(message, *mscc, AvpId::rating_group);
  }
  const Avp* const context = message.find(AvpId::service_context_id);
  return context == nullptr ? FailedAvp::missing(AvpId::service_context_id)
                            : FailedAvp::of(message, *context);
}

std::uint32_t CreditControl::currency_code() const {
  const auto& versions = shard_.tariffs().versions();
  return versions.empty() ? 0 : versions.back().tariff->currency_code();
}

}  // namespace farthing::diameter
