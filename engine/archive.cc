#include "engine/archive.h"

#include "storage/record.h"

#include <fmt/format.h>

#include <algorithm>

namespace farthing::engine {

using storage::LedgerEnd;
using storage::Record;
using storage::SegmentFolder;
using storage::Sequence;
using storage::StoreError;

namespace {

Sequence last_of(const Record& record) {
  return Sequence(record.header.first.value + record.header.count - 1);
}

}  // namespace

std::filesystem::path archive_folder(const storage::LedgerStore& store,
                                     const std::filesystem::path& given) {
  if (!given.empty()) return given;
  return store.document(archive_document_key).value_or("");
}

StoreError LedgerReader::not_archived(Sequence sequence) const {
  return {StoreError::Code::archived, sequence,
          fmt::format("ledger entry {} was archived, and {}{}; bring back the folder of its "
                      "archive, or say where it is now",
                      sequence.value,
                      archive_.empty() ? "nobody knows where" : "is not there any more: ",
                      archive_.string())};
}

base::Result<LedgerReader::Beginning, StoreError> LedgerReader::beginning() const {
  const LedgerEnd begin = store_.begin();
  if (begin.last.value == 0) return Beginning();
  const auto from = [this](Sequence first, std::string_view why) {
    return Beginning{
        first,
        fmt::format("ledger entries 1 to {} are missing: they were archived, and {}{}; bring "
                    "back the folder of the archive to have them",
                    first.value - 1, archive_.string(), why)};
  };
  const Sequence kept(begin.last.value + 1);
  if (archive_.empty()) return from(kept, "nobody knows where");
  if (!std::filesystem::exists(archive_)) return from(kept, " is not there any more");
  const auto segments = SegmentFolder::open(archive_);
  if (!segments.has_value()) return segments.error();
  if (segments->is_empty() || segments->first() > begin.last || segments->end().last < begin.last) {
    return from(kept, " does not have them");
  }
  if (segments->first().value == 1) return Beginning();
  return from(segments->first(), " does not have them any more");
}

base::Result<void, StoreError> LedgerReader::scan(
    Sequence from, const storage::LedgerStore::Visitor& visitor) const {
  Sequence next(std::max<std::uint64_t>(from.value, 1));
  bool more = true;
  const storage::LedgerStore::Visitor count = [&](const Record& record) {
    next = Sequence(last_of(record).value + 1);
    return more = visitor(record);
  };
  while (more) {
    const LedgerEnd begin = store_.begin();
    if (next > begin.last) {
      const auto scanned = store_.scan(next, count);
      if (scanned.has_value()) return {};
      // More was cut off meanwhile.
      if (scanned.error().code != StoreError::Code::archived) return scanned.error();
      continue;
    }
    const auto scanned = scan_archive(next, begin, count);
    if (!scanned.has_value()) return scanned.error();
  }
  return {};
}

base::Result<bool, StoreError> LedgerReader::scan_archive(
    Sequence from, const LedgerEnd& begin, const storage::LedgerStore::Visitor& visitor) const {
  if (archive_.empty() || !std::filesystem::exists(archive_)) return not_archived(from);
  const auto segments = SegmentFolder::open(archive_);
  if (!segments.has_value()) return segments.error();
  if (segments->is_empty() || segments->first() > from || segments->end().last < begin.last) {
    return not_archived(from);
  }
  bool more = true;
  bool joins = false;
  storage::RecordHasher hasher;
  const auto scanned = segments->scan(from, [&](const Record& record) {
    if (!(more = visitor(record))) return false;
    if (last_of(record) < begin.last) return true;
    const auto header = storage::encode_record_header(record.header, record.body);
    joins = last_of(record) == begin.last &&
            hasher.hash({header.data(), header.size()}, record.body) == begin.hash;
    return false;
  });
  if (!scanned.has_value()) return scanned.error();
  if (!more || joins) return more;
  return StoreError{StoreError::Code::corrupt, Sequence(begin.last.value + 1),
                    fmt::format("ledger entry {} does not follow the last record in {} (hash "
                                "chain): that is the archive of another ledger",
                                begin.last.value + 1, archive_.string())};
}

base::Result<Record, StoreError> LedgerReader::read(Sequence sequence, std::string& buffer) {
  auto live = store_.read(sequence, buffer);
  if (live.has_value() || live.error().code != StoreError::Code::archived) return live;
  const bool is_known = segments_ && !segments_->is_empty() && segments_->end().last >= sequence;
  if (!is_known) {
    if (archive_.empty() || !std::filesystem::exists(archive_)) return not_archived(sequence);
    auto segments = SegmentFolder::open(archive_);
    if (!segments.has_value()) return segments.error();
    segments_ = std::move(*segments);
  }
  if (segments_->is_empty() || sequence < segments_->first() || sequence > segments_->end().last) {
    return not_archived(sequence);
  }
  return segments_->read(sequence, buffer);
}

base::Result<Sequence, StoreError> LedgerReader::first_at(base::Time time, Sequence from) {
  std::uint64_t low = from.value;
  std::uint64_t high = store_.end().last.value + 1;
  std::string buffer;
  while (low < high) {
    const auto record = read(Sequence(low + (high - low) / 2), buffer);
    if (!record.has_value()) return record.error();
    const storage::RecordHeader& header = record->header;
    if (header.now < time) {
      low = header.first.value + header.count;
    } else {
      high = header.first.value;
    }
  }
  return Sequence(low);
}

}  // namespace farthing::engine
