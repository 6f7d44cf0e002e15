#include "tools/cli/table.h"

#include "engine/base/assert.h"

#include <algorithm>
#include <ostream>

namespace farthing::tools {

namespace {

constexpr std::string_view bold = "\x1b[1m";
constexpr std::string_view plain = "\x1b[0m";

// What comes from elsewhere (a reason, a Session-Id) must not write to the terminal by itself.
std::string printable(std::string cell) {
  for (char& c : cell) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return cell.empty() ? "-" : cell;
}

}  // namespace

void Table::add(std::vector<std::string> cells) {
  FARTHING_ASSERT(cells.size() == columns_.size());
  for (std::string& cell : cells) cell = printable(std::move(cell));
  rows_.push_back(std::move(cells));
}

void Table::print(std::ostream& out, bool colours) const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = columns_[i].name.size();
    for (const auto& row : rows_) width = std::max(width, row[i].size());
    widths.push_back(width);
  }
  auto line = [&](auto cell_of) {
    std::string text;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const std::string& cell = cell_of(i);
      const std::string padding(widths[i] - cell.size(), ' ');
      if (i > 0) text += "  ";
      text += columns_[i].right ? padding + cell : cell + padding;
    }
    while (text.ends_with(' ')) text.pop_back();
    return text;
  };
  const std::string heading =
      line([&](std::size_t i) -> const std::string& { return columns_[i].name; });
  if (colours) out << bold;
  out << heading;
  if (colours) out << plain;
  out << '\n';
  for (const auto& row : rows_) {
    out << line([&](std::size_t i) -> const std::string& { return row[i]; }) << '\n';
  }
}

}  // namespace farthing::tools
