#include "tariffs/quota.h"

#include <fmt/format.h>

#include <array>

namespace farthing::tariffs {

void add_grant_term(std::string& terms, GrantTerm term, std::uint32_t value) {
  terms += static_cast<char>(term);
  for (int i = 0; i < 4; ++i, value >>= 8) terms += static_cast<char>(value & 0xff);
}

bool are_grant_terms(std::string_view terms) {
  if (terms.size() % 5 != 0) return false;
  for (std::size_t at = 0; at < terms.size(); at += 5) {
    if (static_cast<unsigned char>(terms[at]) >= grant_terms_count) return false;
  }
  return true;
}

std::string grant_terms_text(std::string_view terms) {
  static constexpr std::array<std::string_view, grant_terms_count> names = {
      "consumption time", "time quota", "time quota interval", "trigger", "envelopes"};
  std::string text;
  visit_grant_terms(terms, [&text](GrantTerm term, std::uint32_t value) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", names[static_cast<std::size_t>(term)],
                        value);
  });
  return text;
}

}  // namespace farthing::tariffs
