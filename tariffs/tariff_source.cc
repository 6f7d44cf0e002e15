#include "tariffs/tariff_source.h"

#include "engine/base/bytes.h"

#include <algorithm>
#include <utility>

namespace farthing::tariffs {
namespace {

constexpr std::string_view mark = "\x01";
constexpr std::string_view header =
    "\x01"
    "farthing tariff, format 1\n";

}  // namespace

std::string canonical_bytes(TariffSource source) {
  if (source.tables.empty()) return std::move(source.text);
  std::ranges::sort(source.tables, {}, &SourceTable::name);
  std::size_t bytes = header.size() + source.text.size() + 2 * base::ByteWriter::varint_bytes_max;
  for (const SourceTable& table : source.tables) {
    bytes += table.name.size() + table.text.size() + 2 * base::ByteWriter::varint_bytes_max;
  }
  std::string all(bytes, '\0');
  header.copy(all.data(), header.size());
  base::ByteWriter writer(all.data() + header.size());
  writer.text(source.text);
  writer.varint(source.tables.size());
  for (const SourceTable& table : source.tables) {
    writer.text(table.name);
    writer.text(table.text);
  }
  all.resize(static_cast<std::size_t>(writer.position() - all.data()));
  return all;
}

base::Result<TariffSource, SourceError> parse_source(std::string_view bytes) {
  TariffSource source;
  if (!bytes.starts_with(mark)) {
    source.text = bytes;
    return source;
  }
  if (!bytes.starts_with(header)) {
    return SourceError{"a tariff in a format that is not known here; expected format 1 or YAML"};
  }
  base::ByteReader reader(bytes.substr(header.size()));
  source.text = reader.text();
  const std::uint64_t count = reader.varint();
  for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
    SourceTable table;
    table.name = reader.text();
    table.text = reader.text();
    source.tables.push_back(std::move(table));
  }
  // Only what canonical_bytes writes: whole, by name, each once, in the shortest numbers.
  const bool is_ordered =
      std::ranges::adjacent_find(source.tables, [](const auto& a, const auto& b) {
        return a.name >= b.name;
      }) == source.tables.end();
  if (!reader.ok() || !reader.at_end() || !is_ordered || canonical_bytes(source) != bytes) {
    return SourceError{"a tariff with tables whose bytes are cut off or changed; load it again"};
  }
  return source;
}

}  // namespace farthing::tariffs
