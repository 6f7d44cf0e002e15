// What fuzz targets share: an input that is drawn from, and what must hold.
//
// A target is one file with LLVMFuzzerTestOneInput. Built by clang with libFuzzer it is searched
// (tools/campaign fuzz); built in the ordinary way with replay.cc it plays the committed inputs of
// tests/fuzz/corpus again, as a test.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>

// libFuzzer's entry point (https://llvm.org/docs/LibFuzzer.html). Each input begins from nothing.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace farthing::test {

// Ends the program where `wrong` says what does not hold.
inline void expect_sound(std::string_view wrong) {
  if (wrong.empty()) return;
  std::fprintf(stderr, "farthing: %.*s\n", static_cast<int>(wrong.size()), wrong.data());
  std::abort();
}

// Octets that decisions are drawn from; past their end every octet is 0.
class FuzzInput {
 public:
  explicit FuzzInput(std::span<const std::uint8_t> octets) : rest_(octets) {}

  bool is_empty() const { return rest_.empty(); }
  std::uint8_t octet() {
    if (rest_.empty()) return 0;
    const std::uint8_t first = rest_.front();
    rest_ = rest_.subspan(1);
    return first;
  }
  // Below `end`, which is at most 256.
  std::uint32_t below(std::uint32_t end) { return octet() % end; }
  std::uint32_t u16() {
    const std::uint32_t high = octet();
    return high << 8 | octet();
  }
  std::span<const std::uint8_t> octets(std::size_t count) {
    const auto front = rest_.first(std::min(count, rest_.size()));
    rest_ = rest_.subspan(front.size());
    return front;
  }
  std::string_view text(std::size_t count) {
    const auto front = octets(count);
    return {reinterpret_cast<const char*>(front.data()), front.size()};
  }

 private:
  std::span<const std::uint8_t> rest_;
};

}  // namespace farthing::test
