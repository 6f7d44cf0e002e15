#include "engine/admin/account_walk.h"

#include <fmt/format.h>

#include <algorithm>

namespace farthing::engine::admin {

namespace {

constexpr std::uint64_t accounts_per_page = 1000;

}  // namespace

bool AccountWalk::next(const See& see) {
  const std::uint64_t first = next_;
  std::vector<AccountNumber> elsewhere;
  const Visited ran = api_.shard.visit([&](Shard& shard) {
    const Book& book = shard.book();
    at_ = book.last();
    count_ = book.account_count();
    const std::uint64_t end = std::min(first + accounts_per_page, count_ + 1);
    for (std::uint64_t number = first; number < end; ++number) {
      if (const Account* const account = book.account(AccountNumber(number))) {
        see(*account, number - first);
      } else {
        elsewhere.emplace_back(number);
      }
    }
    page_size_ = end - first;
  });
  if (!ran) {
    why_ = ran.why();
    return false;
  }
  next_ = first + page_size_;
  return elsewhere.empty() || see_rows(elsewhere, first, see);
}

// What was not in memory then had its row written before: nothing newer is missed.
bool AccountWalk::see_rows(const std::vector<AccountNumber>& numbers, std::uint64_t first,
                           const See& see) {
  auto wanted = numbers.begin();
  const auto visited =
      api_.store.visit(storage::Table::accounts, view(number_key(wanted->value)),
                       [&](std::string_view key, std::string_view row) {
                         const std::uint64_t number = read_number_key(key).value_or(UINT64_MAX);
                         if (number < wanted->value) return true;
                         Account account;
                         account.number = *wanted;
                         if (number > wanted->value || !decode_account(row, account)) return false;
                         see(account, number - first);
                         return ++wanted != numbers.end();
                       });
  if (!visited.has_value()) {
    why_ = visited.error().message;
  } else if (wanted != numbers.end()) {
    why_ = fmt::format(
        "the row of account number {} is missing or malformed; run: farthing ledger "
        "verify",
        wanted->value);
  }
  return why_.empty();
}

}  // namespace farthing::engine::admin
