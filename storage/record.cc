#include "storage/record.h"

#include "engine/base/assert.h"
#include "storage/bytes.h"
#include "storage/crc32c.h"

#include <limits>
#include <utility>

#include <fmt/format.h>
#include <openssl/evp.h>

namespace farthing::storage {
namespace {

// Where each field of the header begins; docs/formats.md says the same.
constexpr std::size_t checksum_at = 0;
constexpr std::size_t format_at = 4;
constexpr std::size_t reserved_at = 6;
constexpr std::size_t first_at = 8;
constexpr std::size_t count_at = 16;
constexpr std::size_t body_length_at = 20;
constexpr std::size_t now_at = 24;
constexpr std::size_t previous_at = 32;
constexpr std::size_t checked_from = format_at;  // the checksum covers all that follows it

// Fetched once: in OpenSSL 3 a look-up by name costs more than hashing a small record.
const EVP_MD* sha256() {
  static EVP_MD* const digest = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  FARTHING_ASSERT(digest != nullptr);
  return digest;
}

}  // namespace

RecordHeaderBytes encode_record_header(const RecordHeader& header, std::string_view body) {
  FARTHING_ASSERT(header.first.value > 0 && header.count > 0);
  FARTHING_ASSERT(body.size() <= record_body_size_bytes_max);
  RecordHeaderBytes bytes{};
  char* const to = bytes.data();
  put_little<std::uint16_t>(to + format_at, record_format);
  put_little<std::uint64_t>(to + first_at, header.first.value);
  put_little<std::uint32_t>(to + count_at, header.count);
  put_little<std::uint32_t>(to + body_length_at, static_cast<std::uint32_t>(body.size()));
  put_little<std::int64_t>(to + now_at, header.now.time_since_epoch().count());
  std::memcpy(to + previous_at, header.previous.data(), header.previous.size());
  const std::string_view checked(to + checked_from, bytes.size() - checked_from);
  put_little<std::uint32_t>(to + checksum_at, crc32c(body, crc32c(checked)));
  return bytes;
}

std::string_view describe(RecordFault fault) {
  switch (fault) {
    case RecordFault::too_short:
      return "it is shorter than a record's header";
    case RecordFault::wrong_checksum:
      return "its checksum is wrong";
    case RecordFault::unknown_format:
      return "it has a format that this program does not know";
    case RecordFault::wrong_length:
      return "its length is not the one it states";
    case RecordFault::wrong_numbering:
      return "its entries have impossible numbers";
  }
  return "it is damaged";
}

base::Result<Record, RecordFault> decode_record(std::string_view bytes) {
  if (bytes.size() < record_header_size_bytes) return RecordFault::too_short;
  const char* const from = bytes.data();
  if (get_little<std::uint32_t>(from + checksum_at) != crc32c(bytes.substr(checked_from))) {
    return RecordFault::wrong_checksum;
  }
  if (get_little<std::uint16_t>(from + format_at) != record_format ||
      get_little<std::uint16_t>(from + reserved_at) != 0) {
    return RecordFault::unknown_format;
  }
  Record record;
  record.body = bytes.substr(record_header_size_bytes);
  if (get_little<std::uint32_t>(from + body_length_at) != record.body.size()) {
    return RecordFault::wrong_length;
  }
  record.header.first = Sequence(get_little<std::uint64_t>(from + first_at));
  record.header.count = get_little<std::uint32_t>(from + count_at);
  if (record.header.first.value == 0 || record.header.count == 0 ||
      record.header.first.value > std::numeric_limits<std::uint64_t>::max() - record.header.count) {
    return RecordFault::wrong_numbering;
  }
  record.header.now = base::Time(base::Duration(get_little<std::int64_t>(from + now_at)));
  std::memcpy(record.header.previous.data(), from + previous_at, record.header.previous.size());
  return record;
}

std::optional<std::size_t> stated_record_size(std::string_view bytes) {
  if (bytes.size() < record_header_size_bytes) return std::nullopt;
  return record_header_size_bytes + get_little<std::uint32_t>(bytes.data() + body_length_at);
}

RecordHasher::RecordHasher() : context_(EVP_MD_CTX_new()) { FARTHING_ASSERT(context_ != nullptr); }

RecordHasher::RecordHasher(RecordHasher&& other) noexcept
    : context_(std::exchange(other.context_, nullptr)) {}

RecordHasher::~RecordHasher() { EVP_MD_CTX_free(context_); }

Hash RecordHasher::hash(std::string_view header, std::string_view body) {
  Hash hash;
  unsigned size_bytes = 0;
  const bool done =
      EVP_DigestInit_ex2(context_, sha256(), nullptr) == 1 &&
      EVP_DigestUpdate(context_, header.data(), header.size()) == 1 &&
      EVP_DigestUpdate(context_, body.data(), body.size()) == 1 &&
      EVP_DigestFinal_ex(context_, reinterpret_cast<unsigned char*>(hash.data()), &size_bytes) == 1;
  FARTHING_ASSERT(done && size_bytes == hash.size());
  return hash;
}

StoreError corrupt_record(Sequence sequence, std::string_view what) {
  return {StoreError::Code::corrupt, sequence,
          fmt::format(
              "ledger entry {}: {}; restore the data folder from a copy, or repair it: a ledger "
              "that ends before (farthing ledger repair)",
              sequence.value, what)};
}

StoreError no_such_entry(Sequence sequence, Sequence last) {
  return {StoreError::Code::not_found, sequence,
          fmt::format("the ledger has no entry {}; its last is {}", sequence.value, last.value)};
}

StoreError no_record_ends_with(Sequence sequence) {
  return {StoreError::Code::not_found, sequence,
          fmt::format("no record of this ledger ends with entry {} and has the hash that was named",
                      sequence.value)};
}

StoreError cut_beyond_checkpoint(Sequence sequence, Sequence position) {
  return {StoreError::Code::not_found, sequence,
          fmt::format("the ledger cannot be cut behind entry {}: the checkpoint has folded entries "
                      "up to {} only",
                      sequence.value, position.value)};
}

StoreError archived_entry(Sequence sequence, Sequence begin) {
  return {StoreError::Code::archived, sequence,
          fmt::format("ledger entry {} is no longer here: the ledger begins with entry {}; look "
                      "for it in the archive",
                      sequence.value, begin.value + 1)};
}

base::Result<Record, StoreError> ChainReader::next(std::string_view bytes) {
  const Sequence expected(end_.last.value + 1);
  const auto decoded = decode_record(bytes);
  if (!decoded.has_value()) {
    return corrupt_record(expected,
                          fmt::format("its record cannot be read: {}", describe(decoded.error())));
  }
  const Record& record = *decoded;
  if (record.header.first != expected) {
    return corrupt_record(
        expected, fmt::format("the next record begins with entry {}", record.header.first.value));
  }
  if (record.header.previous != end_.hash) {
    return corrupt_record(expected, "its record does not follow the one before (hash chain)");
  }
  if (expected.value > 1 && record.header.now < end_.now) {
    return corrupt_record(expected, "its record is older than the one before");
  }
  end_.last = Sequence(record.header.first.value + record.header.count - 1);
  end_.now = record.header.now;
  end_.hash = hasher_.hash(bytes.substr(0, record_header_size_bytes), record.body);
  return record;
}

base::Result<LedgerEnd, StoreError> end_after(std::string_view bytes, Sequence first) {
  const auto decoded = decode_record(bytes);
  if (!decoded.has_value()) {
    return corrupt_record(first,
                          fmt::format("its record cannot be read: {}", describe(decoded.error())));
  }
  const RecordHeader& header = decoded->header;
  if (header.first != first) {
    return corrupt_record(first,
                          fmt::format("its record says that it is entry {}", header.first.value));
  }
  RecordHasher hasher;
  return LedgerEnd{Sequence(header.first.value + header.count - 1), header.now,
                   hasher.hash(bytes.substr(0, record_header_size_bytes), decoded->body)};
}

}  // namespace farthing::storage
