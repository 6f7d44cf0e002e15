#include "engine/entry_reader.h"

#include <string_view>

namespace farthing::engine {

base::Result<const Entry*, storage::StoreError> EntryReader::read(Sequence sequence) {
  const storage::RecordHeader& header = record_.header;
  const bool at_hand =
      sequence >= header.first && sequence.value < header.first.value + header.count;
  if (!at_hand) {
    const auto record = ledger_.read(sequence, buffer_);
    if (!record.has_value()) {
      record_ = {};
      return record.error();
    }
    record_ = *record;
  }
  std::string_view body = record_.body;
  for (Sequence own = record_.header.first; own <= sequence; ++own.value) {
    if (decode_entry(body, own, entry_)) continue;
    return storage::StoreError{storage::StoreError::Code::corrupt, own,
                               "a ledger entry is not readable; run: farthing ledger verify"};
  }
  return &entry_;
}

}  // namespace farthing::engine
