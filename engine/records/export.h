// Records at once: of everything that ended in a span of time, in one text, from the ledger alone.
//
// Reads the ledger from its first entry on, archived or not, since what ended in the span may have
// begun long before. Where the first entries are not to be had, records of sessions that began in
// them are marked as not complete. Threads: one, not the shard's. Memory: the open sessions, and
// the names of all accounts where nobody else knows them (NameTable). Errors: sentences.
#pragma once

#include "engine/archive.h"
#include "engine/base/result.h"
#include "engine/records/names.h"
#include "engine/records/text.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace farthing::engine::records {

struct Span {
  std::optional<Time> from;   // what ended at this time or later
  std::optional<Time> until;  // and before this one
};

// "2026-06-01", "2026-06-01T08:00" or "2026-06-01T08:00:00", in UTC, with a Z behind or not.
std::optional<Time> parse_time(std::string_view text);

struct ExportCalls {
  // Takes the text in pieces, the header line first; false: nobody wants more.
  std::function<bool(std::string_view)> write;
  // Without it, names are what the ledger says itself, and of accounts that were opened before the
  // first entry read, the checkpoint.
  FindNames find_names;
  // Told now and then how far it has read.
  std::function<void(Sequence)> progress;
};

// Reads from entry `first` on, as of LedgerReader::beginning(). How many records there were. An
// error: what was written is not all.
base::Result<std::uint64_t, std::string> export_span(const LedgerReader& ledger, Sequence first,
                                                     const Span& span, Format format,
                                                     const ExportCalls& calls);

}  // namespace farthing::engine::records
