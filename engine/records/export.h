// Records at once: of everything that ended in a span of time, in one text, from the ledger alone.
//
// Reads the ledger from its first record on, since what ended in the span may have begun long
// before. Threads: one, not the shard's. Memory: the open sessions, and the names of all accounts
// where nobody else knows them (NameTable). Errors: sentences.
#pragma once

#include "engine/base/result.h"
#include "engine/records/names.h"
#include "engine/records/text.h"
#include "storage/ledger_store.h"

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
  // Without it, names are what the ledger says itself.
  FindNames find_names;
  // Told now and then how far it has read.
  std::function<void(Sequence)> progress;
};

// How many records there were. An error: what was written is not all.
base::Result<std::uint64_t, std::string> export_span(const storage::LedgerStore& store,
                                                     const Span& span, Format format,
                                                     const ExportCalls& calls);

}  // namespace farthing::engine::records
