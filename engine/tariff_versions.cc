#include "engine/tariff_versions.h"

#include "engine/base/hash.h"
#include "engine/entry.h"
#include "tariffs/tariff_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <utility>

namespace farthing::engine {

std::string tariff_document_key(tariffs::TariffVersion version) {
  return fmt::format("tariff/{:08}", version.value);
}

std::optional<tariffs::TariffVersion> parse_version(std::string_view text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return tariffs::TariffVersion(number);
}

base::Result<std::shared_ptr<const tariffs::Tariff>, std::string> recall_tariff(
    const storage::LedgerStore& store, const TariffLoaded& loaded) {
  const std::string key = tariff_document_key(loaded.version);
  const std::optional<std::string> source = store.document(key);
  if (!source || base::hash64(*source) != loaded.source_hash) {
    return fmt::format("the source of tariff version {} is {}; restore the data folder from a copy",
                       loaded.version.value, source ? "not the one loaded" : "missing");
  }
  auto compiled = tariffs::compile_tariff(key, *source);
  if (compiled.has_value()) return std::move(*compiled);
  return fmt::format("tariff version {} does not compile: {}", loaded.version.value,
                     tariffs::to_string(compiled.error().front()));
}

base::Result<std::shared_ptr<const tariffs::TariffHistory>, std::string> recall_tariffs(
    const storage::LedgerStore& store, std::span<const TariffLoaded> loaded) {
  auto history = std::make_shared<const tariffs::TariffHistory>();
  for (const TariffLoaded& version : loaded) {
    auto tariff = recall_tariff(store, version);
    if (!tariff.has_value()) return tariff.error();
    history = history->with(std::move(*tariff), version.loaded_at, version.only);
  }
  return history;
}

base::Result<std::optional<TariffLoadingNote>, storage::StoreError> find_loading(
    LedgerReader& ledger, const TariffLoaded& loaded) {
  const auto first = ledger.first_at(loaded.loaded_at, Sequence(1));
  if (!first.has_value()) return first.error();
  std::optional<TariffLoadingNote> found;
  Entry entry;
  const auto scanned = ledger.scan(*first, [&](const storage::Record& record) {
    if (record.header.now > loaded.loaded_at) return false;
    std::string_view body = record.body;
    Sequence own = record.header.first;
    for (std::uint32_t i = 0; i < record.header.count && decode_entry(body, own, entry);
         ++i, ++own.value) {
      if (!entry.tariff || entry.tariff->version != loaded.version) continue;
      const Note note = entry.note.value_or(Note());
      found = {own, std::string(note.operator_name), std::string(note.reason)};
      return false;
    }
    return true;
  });
  if (!scanned.has_value()) return scanned.error();
  return found;
}

base::Result<std::vector<TariffLoaded>, std::string> find_loaded_tariffs(
    const storage::LedgerStore& store) {
  const auto position_row = store.fetch(storage::Table::meta, meta_position_key);
  const auto book_row = store.fetch(storage::Table::meta, meta_book_key);
  for (const auto* row : {&position_row, &book_row}) {
    if (!row->has_value()) return row->error().message;
  }
  BookState state;
  Sequence position;
  if (position_row->has_value() && book_row->has_value()) {
    std::array<char, sizeof(Sequence)> bytes{};
    if ((*position_row)->size() != bytes.size() || !decode_book_state(**book_row, state)) {
      return std::string("the checkpoint is damaged; run: farthing ledger verify");
    }
    std::ranges::copy(**position_row, bytes.begin());
    position = std::bit_cast<Sequence>(bytes);
  }
  Entry entry;
  bool is_readable = true;
  const auto scanned = store.scan(Sequence(position.value + 1), [&](const storage::Record& record) {
    std::string_view body = record.body;
    Sequence own = record.header.first;
    for (std::uint32_t i = 0; i < record.header.count; ++i, ++own.value) {
      is_readable = decode_entry(body, own, entry);
      if (!is_readable) return false;
      if (own <= position || !entry.tariff) continue;
      state.tariffs.push_back(loaded_by(*entry.tariff, record.header.now));
    }
    return true;
  });
  if (!scanned.has_value()) return scanned.error().message;
  if (!is_readable) {
    return std::string("a ledger entry is not readable; run: farthing ledger verify");
  }
  return std::move(state.tariffs);
}

}  // namespace farthing::engine
