#include "engine/explain_grant.h"

#include "engine/decide.h"
#include "engine/past_request.h"
#include "tariffs/explain.h"

#include <fmt/format.h>

#include <limits>
#include <optional>

namespace farthing::engine {

namespace {

std::string_view reason_text(GrantReason reason) {
  switch (reason) {
    case GrantReason::asked:
      return "as much as was asked for";
    case GrantReason::usual:
      return "the usual size";
    case GrantReason::maximum:
      return "the largest size";
    case GrantReason::often:
      return "larger than usual, as reports come too often";
    case GrantReason::price_change:
      return "until the price changes";
    case GrantReason::threshold:
      return "until the price changes by a counter, or a ceiling is reached";
    case GrantReason::border:
      return "until an allowance ends or another price begins";
    case GrantReason::balance_size:
      return "the size for such a balance";
    case GrantReason::shared:
      return "shortened: a part of what can be paid, for each session that is open";
    case GrantReason::balance:
      return "all that can be paid";
  }
  return {};
}

RequestedUnits all_of(Unit unit) {
  RequestedUnits all;
  switch (unit) {
    case Unit::seconds:
      all.seconds = std::numeric_limits<std::uint32_t>::max();
      break;
    case Unit::octets:
      all.total_octets = std::numeric_limits<std::uint64_t>::max();
      break;
    case Unit::events:
      all.events = std::numeric_limits<std::uint64_t>::max();
      break;
    case Unit::money:
      all.money = account_money_max;
      break;
  }
  return all;
}

// The request of one entry, to be decided again and again.
class Again {
 public:
  Again(const AccountPast::Moment& moment, const tariffs::TariffHistory& tariffs)
      : moment_(moment), tariffs_(tariffs) {
    if (moment.session != nullptr) past_ = PastSession(*moment.session);
    past_.open_segments(moment.entry);
    is_readable_ = reader_.read(moment.entry, past_, request_);
    for (const Payer& payer : moment.account->payers) {
      if (!moment.account->bucket(payer.terms.bucket)->is_for(moment.entry.subscriber)) continue;
      lendings_.push_back({payer.terms.bucket, account_money_max.micros, payer.terms.month});
    }
  }

  // What decided about the service's grant, where it is granted the same when it asks so.
  std::optional<GrantReason> reason(std::size_t service, const ServiceAnswer& granted,
                                    const std::optional<RequestedUnits>& asks) {
    if (!is_readable_ || service >= request_.service_count) return std::nullopt;
    std::optional<RequestedUnits>& requested = request_.services[service].requested;
    if (!requested) return std::nullopt;
    const RequestedUnits before = *requested;
    if (asks) requested = asks;
    decide({*moment_.account, moment_.entry.subscriber, moment_.session, tariffs_, moment_.now,
            lendings_},
           request_, decision_);
    requested = before;
    if (service >= decision_.answer.service_count) return std::nullopt;
    const ServiceAnswer& again = decision_.answer.services[service];
    const bool is_same = again.grant && again.grant->amount == granted.grant->amount &&
                         again.final_unit == granted.final_unit;
    if (!is_same) return std::nullopt;
    return again.grant_reason;
  }

  // The sizes of the service's price.
  std::string sizes(const ServiceAnswer& granted) const {
    const Worksheet& sheet = decision_.worksheet;
    const Unit unit = granted.grant->unit;
    const auto index = sheet.find(granted.rating_group, unit == Unit::money);
    if (!index) return {};
    const tariffs::QuotaRule& quota = sheet.segment(*index).quota;
    return fmt::format(
        " (usual {}, at least {}, at most {})", tariffs::units_text(unit, quota.standard),
        tariffs::units_text(unit, quota.minimum), tariffs::units_text(unit, quota.maximum));
  }

 private:
  const AccountPast::Moment& moment_;
  const tariffs::TariffHistory& tariffs_;
  PastSession past_;
  PastRequestReader reader_;
  Request request_;
  std::vector<Lending> lendings_;
  Decision decision_;
  bool is_readable_ = false;
};

std::string explain(Again& again, std::size_t service, const ServiceAnswer& granted) {
  for (const std::optional<RequestedUnits>& asks :
       {std::optional(RequestedUnits()), std::optional(all_of(granted.grant->unit)),
        std::optional<RequestedUnits>()}) {
    if (const auto reason = again.reason(service, granted, asks)) {
      return std::string(reason_text(*reason)) + again.sizes(granted);
    }
  }
  return {};
}

}  // namespace

std::vector<std::string> explain_grants(const AccountPast::Moment& moment,
                                        const tariffs::TariffHistory& tariffs,
                                        const Answer& answer) {
  std::vector<std::string> reasons(answer.service_count);
  const bool is_session = moment.entry.session && moment.account != nullptr;
  if (!is_session) return reasons;
  std::optional<Again> again;
  for (std::size_t i = 0; i < answer.service_count; ++i) {
    if (!answer.services[i].grant) continue;
    if (!again) again.emplace(moment, tariffs);
    reasons[i] = explain(*again, i, answer.services[i]);
  }
  return reasons;
}

}  // namespace farthing::engine
