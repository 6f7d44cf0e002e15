// Reading and writing the ledger's variable-length integers (LEB128; signed ones zigzag).
//
// ByteWriter writes behind a pointer into room that its caller has made. ByteReader believes
// nothing: past the end it returns zeroes and stays failed, so that one check at the end is enough.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace farthing::base {

class ByteWriter {
 public:
  static constexpr std::size_t varint_bytes_max = 10;

  explicit ByteWriter(char* out) : out_(out) {}

  char* position() const { return out_; }

  void u8(std::uint8_t value) { *out_++ = static_cast<char>(value); }
  void u64_fixed(std::uint64_t value) {
    std::memcpy(out_, &value, 8);  // little-endian, as on every machine this runs on
    out_ += 8;
  }
  void varint(std::uint64_t value) {
    while (value >= 0x80) {
      *out_++ = static_cast<char>(value | 0x80);
      value >>= 7;
    }
    *out_++ = static_cast<char>(value);
  }
  void signed_varint(std::int64_t value) {
    varint(static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63));
  }
  void text(std::string_view value) {
    varint(value.size());
    if (!value.empty()) std::memcpy(out_, value.data(), value.size());
    out_ += value.size();
  }

 private:
  char* out_;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes)
      : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool ok() const { return ok_; }
  bool at_end() const { return at_ == end_; }
  const char* position() const { return at_; }

  std::uint8_t u8() {
    if (at_ == end_) return fail();
    return static_cast<std::uint8_t>(*at_++);
  }
  std::uint64_t u64_fixed() {
    if (end_ - at_ < 8) return fail();
    std::uint64_t value = 0;
    std::memcpy(&value, at_, 8);
    at_ += 8;
    return value;
  }
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (at_ == end_) return fail();
      const auto byte = static_cast<std::uint8_t>(*at_++);
      if (shift == 63 && byte > 1) return fail();
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return fail();
  }
  // A varint that must fit T.
  template <class T>
  T number() {
    const std::uint64_t value = varint();
    if (value > static_cast<std::uint64_t>(static_cast<T>(~T{0}))) return static_cast<T>(fail());
    return static_cast<T>(value);
  }
  std::int64_t signed_varint() {
    const std::uint64_t value = varint();
    return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
  }
  std::string_view text() {
    const std::uint64_t size = varint();
    if (size > static_cast<std::uint64_t>(end_ - at_)) {
      fail();
      return {};
    }
    std::string_view value(at_, size);
    at_ += size;
    return value;
  }
  // How many items can still follow: no count that is read may be larger.
  std::size_t count() {
    const std::uint64_t value = varint();
    if (value > static_cast<std::uint64_t>(end_ - at_)) return fail();
    return value;
  }

 private:
  std::uint8_t fail() {
    ok_ = false;
    at_ = end_;
    return 0;
  }

  const char* at_;
  const char* end_;
  bool ok_ = true;
};

}  // namespace farthing::base
