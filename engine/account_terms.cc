#include "engine/account_terms.h"

#include "tariffs/local_time.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

namespace farthing::engine {

AccountTerms extended(const AccountTerms& terms, const tariffs::TopUpValidity& rule, Money top_up,
                      Time now) {
  AccountTerms after = terms;
  const std::chrono::seconds extension = rule.extension(top_up);
  if (extension.count() == 0) return after;
  const Time from = terms.valid_until == never ? now : std::max(now, terms.valid_until);
  after.valid_until = std::min(from + extension, now + validity_ahead_max);
  if (terms.valid_until == never) {
    after.grace_until = after.valid_until + rule.grace;
    return after;
  }
  // Either may have been brought further by hand.
  after.valid_until = std::max(after.valid_until, terms.valid_until);
  after.grace_until = std::max(after.valid_until + rule.grace, terms.grace_until);
  return after;
}

std::string describe(const AccountTerms& terms, std::string_view time_zone) {
  const auto text = [time_zone](Time time) { return tariffs::local_time_text(time_zone, time); };
  std::vector<std::string> parts;
  if (terms.valid_until != never) {
    parts.push_back(fmt::format("valid until {}, grace until {}", text(terms.valid_until),
                                text(terms.grace_until)));
  }
  if (terms.temporary_credit.micros > 0) {
    parts.push_back(fmt::format("temporary credit {} until {}", terms.temporary_credit.to_string(),
                                text(terms.temporary_until)));
  }
  if (terms.billing_day != tariffs::billing_day_usual) {
    parts.push_back(fmt::format("billing months from day {}", terms.billing_day));
  }
  if (terms.minimum_balance.micros > 0) {
    parts.push_back(fmt::format("minimum balance {}", terms.minimum_balance.to_string()));
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}

}  // namespace farthing::engine
