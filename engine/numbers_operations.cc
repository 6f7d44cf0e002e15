#include "engine/numbers_document.h"
#include "engine/operations.h"
#include "tariffs/file_error.h"

#include <fmt/format.h>

namespace farthing::engine {

base::Result<std::shared_ptr<const tariffs::PortedNumbers>, std::string> recall_numbers(
    const storage::LedgerStore& store) {
  const std::optional<std::string> source = store.document(numbers_document_key);
  if (!source) return std::shared_ptr<const tariffs::PortedNumbers>();
  tariffs::FileErrors errors{std::string(numbers_document_key)};
  auto table =
      std::make_shared<const tariffs::PortedNumbers>(tariffs::PortedNumbers::read(*source, errors));
  if (errors.empty()) return std::shared_ptr<const tariffs::PortedNumbers>(std::move(table));
  return fmt::format(
      "the table of ported numbers is damaged: {}; restore the data folder from a "
      "copy",
      tariffs::to_string(errors.take().front()));
}

Operation load_numbers(Shard& shard, std::shared_ptr<const tariffs::PortedNumbers> numbers,
                       SourceDocument document, const Note& note) {
  if (auto wrong = check_note(note)) return *wrong;
  return Done{shard.enter_numbers(std::move(numbers), std::move(document), note)};
}

}  // namespace farthing::engine
