// The audit: what subscribers were charged, by a bulk read of the server's balances before and
// after, against the generator's own arithmetic.
//
// Threads: one. Errors: values, in words.
#pragma once

#include "engine/base/result.h"
#include "tools/load/driver.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::load {

// The CSV that creates the subscribers; the same again changes nothing.
std::string import_csv(std::uint64_t first_msisdn, std::uint32_t subscribers,
                       std::string_view balance);

// "-12.345" in millionths; nothing when it is not a decimal number of at most six places.
std::optional<std::int64_t> parse_amount(std::string_view text);

// The balance of each subscriber, in millionths, from the server's CSV.
base::Result<std::vector<std::int64_t>, std::string> parse_balances(std::string_view csv,
                                                                    std::uint64_t first_msisdn,
                                                                    std::uint32_t subscribers);

struct AuditReport {
  std::uint64_t wrong = 0;               // subscribers
  std::uint64_t uncertain = 0;           // whose last report was not answered; right either way
  std::int64_t charged = 0;              // by the server, all together, in millionths
  std::vector<std::string> differences;  // the first few

  bool ok() const { return wrong == 0; }
};

AuditReport audit(std::uint64_t first_msisdn, const std::vector<std::int64_t>& before,
                  const std::vector<std::int64_t>& after, const std::vector<Charged>& charged);

}  // namespace farthing::load
