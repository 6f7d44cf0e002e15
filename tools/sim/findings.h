// What a simulation found wrong. The first finding ends a run; what follows from it is not kept.
//
// Threads: one.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>

namespace farthing::sim {

class Findings {
 public:
  template <class... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    if (first_.empty()) first_ = fmt::format(format, std::forward<Args>(args)...);
  }
  bool none() const { return first_.empty(); }
  const std::string& first() const { return first_; }

 private:
  std::string first_;
};

}  // namespace farthing::sim
