// A ledger record as bytes: a header of 64 bytes (docs/formats.md has it field by field), then
// the body, which storage does not look into.
//
// Two things guard it: a CRC32C over header and body (chance damage to one record), and the SHA-256
// of the record before (records lost, added or changed). Decoding believes nothing that it has not
// checked; what is wrong comes back as a value.
//
// Threads: a RecordHasher or ChainReader belongs to one thread at a time; the rest is free.
#pragma once

#include "storage/ledger_store.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

struct evp_md_ctx_st;  // of OpenSSL

namespace farthing::storage {

inline constexpr std::uint16_t record_format = 1;
inline constexpr std::size_t record_header_size_bytes = 64;
inline constexpr std::size_t record_body_size_bytes_max = std::size_t{1} << 30;

using RecordHeaderBytes = std::array<char, record_header_size_bytes>;

// REQUIRES: first and count above 0, a body of at most record_body_size_bytes_max.
RecordHeaderBytes encode_record_header(const RecordHeader& header, std::string_view body);

enum class RecordFault {
  too_short,
  wrong_checksum,
  unknown_format,
  wrong_length,
  wrong_numbering,  // no entries, or numbers beyond 64 bits
};

std::string_view describe(RecordFault fault);

// The record in `bytes`, whose body it views.
base::Result<Record, RecordFault> decode_record(std::string_view bytes);

// How long the record is that `bytes` begin with, by what its header states, header included;
// nothing is checked. nullopt: fewer bytes than a header has.
std::optional<std::size_t> stated_record_size(std::string_view bytes);

// SHA-256 of records. Keeps OpenSSL's context between them: making one costs more than a small
// hash.
class RecordHasher {
 public:
  RecordHasher();
  ~RecordHasher();
  RecordHasher(RecordHasher&& other) noexcept;
  RecordHasher& operator=(RecordHasher&&) = delete;

  Hash hash(std::string_view header, std::string_view body);

 private:
  evp_md_ctx_st* context_;
};

// Checks records one after the other: each one's bytes, its number, and that it follows the one
// before by number, time and hash.
class ChainReader {
 public:
  // `before` is what the first record must follow: LedgerEnd{} for the ledger's first record.
  explicit ChainReader(const LedgerEnd& before) : end_(before) {}

  // The next record, or what is wrong with it (the store's reader says what to do about it).
  base::Result<Record, StoreError> next(std::string_view bytes);

  const LedgerEnd& end() const { return end_; }

 private:
  LedgerEnd end_;
  RecordHasher hasher_;
};

// The error for a record that is not what it should be: names the entry and the remedy.
StoreError corrupt_record(Sequence sequence, std::string_view what);

StoreError no_such_entry(Sequence sequence, Sequence last);

// The error for a place to cut at that is no end of a record, or not of the one that is there.
StoreError no_record_ends_with(Sequence sequence);

// The error for a cut that would leave a gap behind the checkpoint.
StoreError cut_beyond_checkpoint(Sequence sequence, Sequence position);

// The error for an entry that was cut off: `begin` is the last that was.
StoreError archived_entry(Sequence sequence, Sequence begin);

// The end of a ledger whose last record is in `bytes`.
base::Result<LedgerEnd, StoreError> end_after(std::string_view bytes, Sequence first);

}  // namespace farthing::storage
