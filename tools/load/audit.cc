#include "tools/load/audit.h"

#include <charconv>
#include <cstdlib>
#include <limits>

#include <fmt/format.h>

namespace farthing::load {
namespace {

constexpr std::size_t differences_max = 10;
constexpr std::size_t places_max = 6;

std::string amount(std::int64_t millionths) {
  const std::int64_t size = std::abs(millionths);
  return fmt::format("{}{}.{:06}", millionths < 0 ? "-" : "", size / 1'000'000, size % 1'000'000);
}

// The text before the next separator, which is taken off with it.
std::string_view take(std::string_view& text, char separator) {
  const std::size_t at = text.find(separator);
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return taken;
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::string import_csv(std::uint64_t first_msisdn, std::uint32_t subscribers,
                       std::string_view balance) {
  std::string csv = "msisdn,imsi,account,kind,balance,credit_limit\n";
  for (std::uint64_t msisdn = first_msisdn; msisdn < first_msisdn + subscribers; ++msisdn) {
    fmt::format_to(std::back_inserter(csv), "{},{},,prepaid,{},\n", msisdn, imsi_of(msisdn),
                   balance);
  }
  return csv;
}

std::optional<std::int64_t> parse_amount(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const bool has_point = text.find('.') != std::string_view::npos;
  const auto whole = parse_number(take(text, '.'));
  if (!whole.has_value() || *whole > 9'000'000'000'000 || text.size() > places_max) {
    return std::nullopt;
  }
  std::uint64_t millionths = 0;
  if (has_point) {
    const auto places = parse_number(text);
    if (!places.has_value()) return std::nullopt;
    millionths = *places;
    for (std::size_t i = text.size(); i < places_max; ++i) millionths *= 10;
  }
  const auto value = static_cast<std::int64_t>(*whole * 1'000'000 + millionths);
  return negative ? -value : value;
}

base::Result<std::vector<std::int64_t>, std::string> parse_balances(std::string_view csv,
                                                                    std::uint64_t first_msisdn,
                                                                    std::uint32_t subscribers) {
  constexpr std::int64_t missing = std::numeric_limits<std::int64_t>::min();
  std::vector<std::int64_t> balances(subscribers, missing);
  if (!take(csv, '\n').starts_with("account,kind,currency,balance,")) {
    return std::string("the balances do not begin with the expected header line");
  }
  while (!csv.empty()) {
    std::string_view line = take(csv, '\n');
    const auto account = parse_number(take(line, ','));
    if (!account.has_value() || *account < first_msisdn || *account - first_msisdn >= subscribers) {
      continue;  // not ours
    }
    take(line, ',');
    take(line, ',');
    const auto balance = parse_amount(take(line, ','));
    if (!balance.has_value()) return fmt::format("account {} has no readable balance", *account);
    balances[*account - first_msisdn] = *balance;
  }
  for (std::uint32_t i = 0; i < subscribers; ++i) {
    if (balances[i] == missing) {
      return fmt::format("account {} is not among the balances", first_msisdn + i);
    }
  }
  return balances;
}

AuditReport audit(std::uint64_t first_msisdn, const std::vector<std::int64_t>& before,
                  const std::vector<std::int64_t>& after, const std::vector<Charged>& charged) {
  AuditReport report;
  for (std::size_t i = 0; i < charged.size(); ++i) {
    const std::int64_t debited = before[i] - after[i];
    const Charged& expected = charged[i];
    report.charged += debited;
    if (expected.least != expected.most) ++report.uncertain;
    if (debited >= expected.least && debited <= expected.most) continue;
    ++report.wrong;
    if (report.differences.size() >= differences_max) continue;
    report.differences.push_back(
        fmt::format("{}: charged {}, expected {}", first_msisdn + i, amount(debited),
                    expected.least == expected.most
                        ? amount(expected.least)
                        : fmt::format("{} to {}", amount(expected.least), amount(expected.most))));
  }
  return report;
}

}  // namespace farthing::load
