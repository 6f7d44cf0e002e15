#include "engine/admin/explanation_json.h"

#include "engine/admin/samples.h"
#include "engine/admin/time_text.h"
#include "engine/rejects.h"
#include "engine/utf8.h"
#include "tariffs/explain.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <array>
#include <iterator>
#include <utility>

namespace farthing::engine::admin {

namespace json = boost::json;

namespace {

constexpr std::array<std::string_view, 5> request_types = {"", "initial", "update", "termination",
                                                           "event"};

template <class... Arguments>
void line(std::string& text, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  fmt::format_to(std::back_inserter(text), format, std::forward<Arguments>(arguments)...);
  text.push_back('\n');
}

std::string_view type_name(RequestType type) {
  return request_types[static_cast<std::size_t>(type)];
}

std::string units_text(Unit unit, std::int64_t units) {
  return units < 0 ? "-" + tariffs::units_text(unit, static_cast<std::uint64_t>(-units))
                   : tariffs::units_text(unit, static_cast<std::uint64_t>(units));
}

std::string group_text(const std::optional<RatingGroup>& group) {
  return group ? fmt::format("rating group {}", group->value) : std::string("no rating group");
}

json::value group_json(const std::optional<RatingGroup>& group) {
  return group ? json::value(group->value) : json::value(nullptr);
}

json::value text_or_null(std::string_view text) {
  return text.empty() ? json::value(nullptr) : json::value(utf8_text(text));
}

// By the account's own balance.
Money paid(const ExplainedCharge& charge) {
  std::int64_t micros = charge.amount.micros - charge.overage.micros;
  for (const ExplainedPayment& payment : charge.payments) micros -= payment.amount.micros;
  return Money(micros);
}

// --- In words ------------------------------------------------------------------------------------

void tell(const ExplainedCharge& charge, std::string& text) {
  line(text, "{}{}{}, by tariff version {}{}{}", group_text(charge.rating_group),
       charge.service.empty() ? "" : " of ", charge.service, charge.version.value,
       charge.only.empty() ? "" : ", only for ", charge.only);
  if (!charge.rule_text.empty()) line(text, "{}", charge.rule_text);
  if (!charge.reasons.empty()) line(text, "because {}", charge.reasons);
  if (charge.units_before > 0) {
    line(text, "used before {}", tariffs::units_text(charge.unit, charge.units_before));
  }
  text += tariffs::usage_text(charge.unit, charge.units, charge.chargeable);
  for (const ExplainedAllowance& allowance : charge.allowances) {
    line(text, "allowance {} ({}) pays {}, {} are left", allowance.bucket.value, allowance.offer,
         units_text(charge.unit, allowance.units), units_text(charge.unit, allowance.left));
  }
  if (charge.steps.empty()) {
    line(text, "price {}", charge.amount.to_string());
  } else {
    text += charge.steps;
  }
  for (const ExplainedPayment& payment : charge.payments) {
    line(text, "paid by {} ({}) {}", payment.payer, payment.bucket.value,
         payment.amount.to_string());
  }
  if (charge.amount.micros < 0) {
    line(text, "given back {}", Money(-charge.amount.micros).to_string());
  } else if (charge.amount.micros > 0) {
    line(text, "paid {}", paid(charge).to_string());
  }
  if (charge.overage.micros > 0) {
    line(text, "overage {}: nobody could pay it", charge.overage.to_string());
  }
  for (const ExplainedCount& count : charge.counters) {
    line(text, "counter {}: {} -> {}", count.name, units_text(count.unit, count.before),
         units_text(count.unit, count.after));
  }
}

// When the client was told to report a grant that is not used up.
std::string report_text(const ServiceAnswer& answer) {
  std::string text;
  if (answer.threshold > 0) {
    text += fmt::format(", to be reported with {} left",
                        tariffs::units_text(answer.grant->unit, answer.threshold));
  }
  if (answer.holding_seconds) {
    text += fmt::format(", given back when unused for {} s", *answer.holding_seconds);
  }
  return text;
}

void tell(const ExplainedAnswer& explained, std::string& text) {
  const ServiceAnswer& answer = explained.answer;
  if (answer.grant) {
    line(text, "granted {} of {} for {} s{}{}",
         tariffs::units_text(answer.grant->unit, answer.grant->amount),
         group_text(answer.rating_group), answer.validity_seconds,
         answer.final_unit ? ", the last that can be given" : "", report_text(answer));
    if (!answer.final_action.empty()) {
      line(text, "when it is used up: {}", tariffs::final_action_text(answer.final_action));
    }
    if (!explained.grant_why.empty()) line(text, "its size: {}", explained.grant_why);
  }
  if (answer.outcome == Outcome::success && !answer.grant && answer.final_unit) {
    line(text, "nothing granted to {}: {}, to ask again after {} s",
         group_text(answer.rating_group), tariffs::final_action_text(answer.final_action),
         answer.validity_seconds);
  }
  if (answer.outcome == Outcome::success) return;
  const std::uint32_t code = reject_code(answer.outcome);
  line(text, "refused {}: {}{}{}", group_text(answer.rating_group), outcome_name(answer.outcome),
       code == 0 ? "" : fmt::format(" ({})", code),
       explained.why.empty() ? "" : ", because " + utf8_text(explained.why));
  for (const std::string& help : explained.help) line(text, "what would help: {}", help);
}

void tell(const ExplainedEntry& entry, const std::string& zone, std::string& text) {
  line(text, "entry {}: {} at {}", entry.sequence.value, kind_name(entry.kind),
       time_text(zone, entry.time));
  if (entry.request) {
    line(text, "request {} {}, rated at {}, {}", type_name(entry.request->key.type),
         entry.request->key.number, time_text(zone, entry.request->rated_at),
         entry.request->server_time_used
             ? "the server's time: the client gave none, or one that cannot be"
             : "the client's time");
  }
  if (!entry.details.empty()) line(text, "{}", entry.details);
  for (const ExplainedCharge& charge : entry.charges) tell(charge, text);
  for (const auto& [counter, value] : entry.thresholds) {
    line(text, "counter {} reached {}", counter, value);
  }
  for (const ExplainedAnswer& answer : entry.answers) tell(answer, text);
  if (!entry.is_of_account) return;
  line(text, "balance {} -> {}, held of it {} -> {}", entry.balance_before.to_string(),
       entry.balance_after.to_string(), entry.held_before.to_string(),
       entry.held_after.to_string());
}

// --- As JSON -------------------------------------------------------------------------------------

json::object charge_json(const ExplainedCharge& charge) {
  json::array allowances;
  for (const ExplainedAllowance& allowance : charge.allowances) {
    allowances.push_back({{"subscription", allowance.bucket.value},
                          {"offer", allowance.offer},
                          {"units", allowance.units},
                          {"left", allowance.left}});
  }
  json::array payments;
  for (const ExplainedPayment& payment : charge.payments) {
    payments.push_back({{"bucket", payment.bucket.value},
                        {"payer", payment.payer},
                        {"amount", payment.amount.to_string()}});
  }
  json::array counters;
  for (const ExplainedCount& count : charge.counters) {
    counters.push_back({{"counter", count.name},
                        {"unit", tariffs::unit_name(count.unit)},
                        {"before", count.before},
                        {"after", count.after}});
  }
  return {{"rating_group", group_json(charge.rating_group)},
          {"service", text_or_null(charge.service)},
          {"tariff", charge.version.value},
          {"tariff_name", text_or_null(charge.tariff)},
          {"tariff_only", text_or_null(charge.only)},
          {"rule", text_or_null(charge.rule)},
          {"line", charge.line},
          {"reasons", text_or_null(charge.reasons)},
          {"unit", tariffs::unit_name(charge.unit)},
          {"units", charge.units},
          {"units_before", charge.units_before},
          {"units_charged", charge.chargeable},
          {"allowances", std::move(allowances)},
          {"over", text_or_null(charge.over)},
          {"charged_before", charge.charged_before.to_string()},
          {"amount", charge.amount.to_string()},
          {"paid", paid(charge).to_string()},
          {"overage", charge.overage.to_string()},
          {"payments", std::move(payments)},
          {"counters", std::move(counters)}};
}

json::object answer_json(const ExplainedAnswer& explained) {
  const ServiceAnswer& answer = explained.answer;
  json::value grant;
  if (answer.grant) {
    json::object& told = grant.emplace_object();
    told = {{"unit", tariffs::unit_name(answer.grant->unit)},
            {"units", answer.grant->amount},
            {"validity_seconds", answer.validity_seconds},
            {"final", answer.final_unit}};
    if (!explained.grant_why.empty()) told["why"] = explained.grant_why;
    if (answer.threshold > 0) told["threshold"] = answer.threshold;
    if (answer.holding_seconds) told["holding_seconds"] = *answer.holding_seconds;
  }
  return {{"rating_group", group_json(answer.rating_group)},
          {"outcome", outcome_name(answer.outcome)},
          {"grant", std::move(grant)},
          {"final_action", answer.final_action.empty()
                               ? json::value()
                               : json::value(tariffs::final_action_text(answer.final_action))},
          {"why", text_or_null(explained.why)},
          {"help", json::value_from(explained.help)}};
}

json::object entry_json(const ExplainedEntry& entry, const std::string& zone) {
  json::value request;
  if (entry.request) {
    request = {{"type", type_name(entry.request->key.type)},
               {"number", entry.request->key.number},
               {"rated_at", time_text(zone, entry.request->rated_at)},
               {"server_time", entry.request->server_time_used}};
  }
  json::array charges;
  for (const ExplainedCharge& charge : entry.charges) charges.push_back(charge_json(charge));
  json::array answers;
  for (const ExplainedAnswer& answer : entry.answers) answers.push_back(answer_json(answer));
  json::array thresholds;
  for (const auto& [counter, value] : entry.thresholds) {
    thresholds.push_back({{"counter", counter}, {"value", value}});
  }
  return {{"seq", entry.sequence.value},
          {"time", time_text(zone, entry.time)},
          {"kind", kind_name(entry.kind)},
          {"request", std::move(request)},
          {"details", text_or_null(entry.details)},
          {"charges", std::move(charges)},
          {"thresholds", std::move(thresholds)},
          {"answers", std::move(answers)},
          {"amount", entry.amount.to_string()},
          {"overage", entry.overage.to_string()},
          {"balance_before", entry.balance_before.to_string()},
          {"balance_after", entry.balance_after.to_string()},
          {"held_before", entry.held_before.to_string()},
          {"held_after", entry.held_after.to_string()}};
}

}  // namespace

std::string explanation_text(const Explanation& explanation) {
  std::string text;
  if (!explanation.session_id.empty()) {
    line(text, "session {} ({})", utf8_text(explanation.session_id),
         utf8_text(explanation.service_context));
  }
  if (!explanation.account.empty()) {
    line(text, "account {}{}{}", explanation.account,
         explanation.msisdn.empty() ? "" : ", subscriber ", explanation.msisdn);
  }
  if (explanation.left_out > 0) {
    line(text, "{} earlier entries are summed up below, not told", explanation.left_out);
  }
  for (const ExplainedEntry& entry : explanation.entries) {
    if (!text.empty()) text.push_back('\n');
    tell(entry, explanation.time_zone, text);
  }
  if (explanation.session_id.empty()) return text;
  text.push_back('\n');
  for (const auto& [offer, eaten] : explanation.eaten) {
    line(text, "allowances of {} paid {}", offer, units_text(eaten.unit, eaten.units));
  }
  line(text, "charged {} {}{}", explanation.amount.to_string(), explanation.currency,
       explanation.overage.micros == 0
           ? ""
           : fmt::format(", of which {} could not be paid", explanation.overage.to_string()));
  return text;
}

json::object explanation_json(const Explanation& explanation) {
  json::array entries;
  for (const ExplainedEntry& entry : explanation.entries) {
    entries.push_back(entry_json(entry, explanation.time_zone));
  }
  json::array allowances;
  for (const auto& [offer, eaten] : explanation.eaten) {
    allowances.push_back(
        {{"offer", offer}, {"unit", tariffs::unit_name(eaten.unit)}, {"units", eaten.units}});
  }
  return {{"account", text_or_null(explanation.account)},
          {"msisdn", text_or_null(explanation.msisdn)},
          {"session", text_or_null(explanation.session_id)},
          {"service_context", text_or_null(explanation.service_context)},
          {"currency", explanation.currency},
          {"entries", std::move(entries)},
          {"left_out", explanation.left_out},
          {"sum",
           {{"amount", explanation.amount.to_string()},
            {"overage", explanation.overage.to_string()},
            {"allowances", std::move(allowances)}}},
          {"explanation", explanation_text(explanation)}};
}

}  // namespace farthing::engine::admin
