// A file of bytes that are written once and read from front to back: compressed in frames of
// Zstandard (RFC 8878) with checksums, so that `zstd -dc` gives the content, and hashed (SHA-256 of
// the content). What is in it is its writer's business.
//
// A file appears under its name complete and durable, or not at all; until then it is named `.new`.
//
// Threads: one at a time. Errors: values that name the file and the remedy.
#pragma once

#include "storage/file.h"
#include "storage/ledger_store.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace farthing::storage {

// SHA-256 of bytes that come piece by piece.
class ContentHasher {
 public:
  ContentHasher();
  void add(std::string_view bytes);
  Hash finish();  // nothing is added afterwards

 private:
  struct Free {
    void operator()(void* context) const;
  };
  std::unique_ptr<void, Free> context_;
};

class PackedWriter {
 public:
  static base::Result<PackedWriter, StoreError> create(std::filesystem::path path);

  base::Result<void, StoreError> append(std::string_view bytes);
  // The file is there, durably; the hash of its content. Nothing is called afterwards.
  base::Result<Hash, StoreError> finish();

 private:
  PackedWriter(std::filesystem::path path, File file)
      : path_(std::move(path)), file_(std::move(file)) {}
  base::Result<void, StoreError> write_frame();

  std::filesystem::path path_;
  File file_;
  std::uint64_t offset_ = 0;
  std::string frame_;
  ContentHasher hasher_;
};

class PackedReader {
 public:
  static base::Result<PackedReader, StoreError> open(std::filesystem::path path);

  // The next piece of the content, at most 1 MiB; empty at its end. Holds until the next call.
  base::Result<std::string_view, StoreError> next();
  // Of the content. REQUIRES: it was read to its end; called once.
  Hash hash() { return hasher_.finish(); }

 private:
  struct Free {
    void operator()(void* context) const;
  };
  PackedReader(std::filesystem::path path, File file);
  StoreError damaged() const;

  std::filesystem::path path_;
  File file_;
  std::unique_ptr<void, Free> context_;
  std::uint64_t offset_ = 0;
  std::string packed_;
  std::size_t packed_at_ = 0;
  bool is_between_frames_ = true;
  std::string piece_;
  ContentHasher hasher_;
};

}  // namespace farthing::storage
