#include "tariffs/final_unit.h"

#include <array>

namespace farthing::tariffs {

std::string_view final_action_name(FinalAction action) {
  constexpr std::array<std::string_view, 3> names = {"terminate", "redirect", "restrict"};
  return names[static_cast<std::size_t>(action)];
}

void FinalUnitRule::begin(FinalAction what) {
  action = what;
  encoded.clear();
  if (what != FinalAction::terminate) encoded += static_cast<char>(what);
}

void FinalUnitRule::add(FinalPart part, std::string_view text) {
  const std::string_view kept = text.substr(0, 255);
  encoded += static_cast<char>(part);
  encoded += static_cast<char>(static_cast<unsigned char>(kept.size()));
  encoded += kept;
}

bool is_final_action(std::string_view encoded) {
  if (encoded.empty()) return true;
  const FinalAction action = final_action_of(encoded);
  if (action != FinalAction::redirect && action != FinalAction::restrict_access) return false;
  std::size_t at = 1;
  while (at < encoded.size()) {
    if (static_cast<unsigned char>(encoded[at]) > static_cast<unsigned>(FinalPart::filter)) {
      return false;
    }
    if (at + 1 == encoded.size()) return false;
    at += 2 + std::size_t{static_cast<unsigned char>(encoded[at + 1])};
  }
  return at == encoded.size();
}

std::string final_action_text(std::string_view encoded) {
  std::string text(final_action_name(final_action_of(encoded)));
  visit_final_parts(encoded, [&text](FinalPart part, std::string_view value) {
    const char* const before = is_redirect_address(part)      ? " to "
                               : part == FinalPart::filter_id ? ", filter "
                                                              : ", only ";
    text += before;
    text += value;
  });
  return text;
}

}  // namespace farthing::tariffs
