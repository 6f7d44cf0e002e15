// All accounts in the order of their numbers, whether they are in memory or not: a page at a time,
// those in memory as the shard has them, the others from their rows in the checkpoint.
//
// Threads: any but the shard's.
#pragma once

#include "engine/admin/routes.h"

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace farthing::engine::admin {

class AccountWalk {
 public:
  explicit AccountWalk(Api& api) : api_(api) {}

  // The next page: `see` is called for each account of it, those in memory on the shard's thread,
  // each with its place in the page. False: the server is stopping, or a row is not what it should
  // be; why() says which.
  using See = std::function<void(const Account& account, std::size_t place)>;
  [[nodiscard]] bool next(const See& see);

  bool more() const { return next_ <= count_; }
  std::size_t page_size() const { return page_size_; }  // places in the page seen last
  Sequence at() const { return at_; }                   // entered when those in memory were seen
  const std::string& why() const { return why_; }

 private:
  bool see_rows(const std::vector<AccountNumber>& numbers, std::uint64_t first, const See& see);

  Api& api_;
  std::uint64_t next_ = 1;
  std::uint64_t count_ = 1;  // of all accounts; known from the first page on
  std::size_t page_size_ = 0;
  Sequence at_;
  std::string why_;
};

}  // namespace farthing::engine::admin
