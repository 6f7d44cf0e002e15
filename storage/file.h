// A file by its descriptor: what storage and the writers above it need of the system, each call
// whole or failed.
//
// Ownership: closes itself. Threads: one at a time; read_at from any. Errors: what the call that
// failed said; who calls knows which sentence to make of it.
#pragma once

#include "engine/base/result.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace farthing::storage {

class File {
 public:
  File() = default;
  // `flags` are those of open(2); what is created belongs to its owner alone (mode 0600).
  static base::Result<File, std::error_code> open(const std::filesystem::path& path, int flags);

  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  ~File();

  bool is_open() const { return descriptor_ >= 0; }
  void close();

  [[nodiscard]] std::error_code write_at(std::string_view bytes, std::uint64_t offset);
  // How many bytes there were to read, at most `size`: fewer only at the file's end.
  base::Result<std::size_t, std::error_code> read_at(char* to, std::size_t size,
                                                     std::uint64_t offset) const;
  base::Result<std::uint64_t, std::error_code> size_bytes() const;
  [[nodiscard]] std::error_code truncate(std::uint64_t size_bytes);
  [[nodiscard]] std::error_code sync();  // fdatasync: the data and what is needed to read it back
  // Takes the file for whoever has it open here, until it is closed;
  // std::errc::operation_would_block: another one has it.
  [[nodiscard]] std::error_code lock();

 private:
  explicit File(int descriptor) : descriptor_(descriptor) {}

  int descriptor_ = -1;
};

// Makes names made, changed or removed in the folder durable.
[[nodiscard]] std::error_code sync_names(const std::filesystem::path& folder);

// Puts `text` in the place of the file's content, if there was any: all of it or, should a crash
// come, none, and durable when it returns.
[[nodiscard]] std::error_code replace_file(const std::filesystem::path& path,
                                           std::string_view text);

}  // namespace farthing::storage
