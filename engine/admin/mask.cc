#include "engine/admin/mask.h"

namespace farthing::engine::admin {

namespace {

constexpr std::size_t identity_digits_min = 8;
constexpr std::size_t head_shown_from = 10;
constexpr std::size_t head_digits = 5;
constexpr std::size_t tail_digits = 4;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::string mask_identities(std::string_view text) {
  std::string masked;
  masked.reserve(text.size());
  while (!text.empty()) {
    std::size_t run = 0;
    while (run < text.size() && is_digit(text[run])) ++run;
    if (run >= identity_digits_min) {
      if (run >= head_shown_from) masked += text.substr(0, head_digits);
      masked += "****";
      masked += text.substr(run - tail_digits, tail_digits);
    } else {
      masked += text.substr(0, run);
    }
    text.remove_prefix(run);
    if (!text.empty()) {
      masked += text.front();
      text.remove_prefix(1);
    }
  }
  return masked;
}

}  // namespace farthing::engine::admin
