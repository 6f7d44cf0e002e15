// A ledger store that keeps nothing and has everything durable at once: for measuring and testing
// what stands above it.
//
// Threads: one.
#pragma once

#include "storage/ledger_store.h"

namespace farthing::storage {

class NullStore final : public LedgerStore {
 public:
  void set_durable(Durable) override {}
  void append(std::string& body, std::uint32_t count, base::Time,
              std::vector<Document>& documents) override {
    end_.last.value += count;
    body.clear();
    documents.clear();
  }
  LedgerEnd end() const override { return end_; }
  base::Result<void, StoreError> scan(Sequence, const Visitor&) const override { return {}; }
  base::Result<Record, StoreError> read(Sequence sequence, std::string&) const override {
    return StoreError{StoreError::Code::not_found, sequence, "nothing is kept here"};
  }
  std::optional<std::string> document(std::string_view) const override { return std::nullopt; }
  std::vector<Document> documents(std::string_view) const override { return {}; }
  base::Result<LedgerEnd, StoreError> copy_to(const std::filesystem::path&) override {
    return StoreError{StoreError::Code::io, Sequence(0), "nothing is kept here"};
  }
  LedgerEnd begin() const override { return {}; }
  base::Result<void, StoreError> cut(const LedgerEnd&) override { return {}; }
  void set_round_written(RoundWritten) override {}
  void write_round(Round& round) override { round.clear(); }
  base::Result<std::optional<std::string>, StoreError> fetch(Table,
                                                             std::string_view) const override {
    return std::optional<std::string>();
  }
  base::Result<void, StoreError> visit(Table, std::string_view, const RowVisitor&) const override {
    return {};
  }
  void read_later(std::function<void()> job) override { job(); }
  std::uint64_t free_disk_bytes() const override { return UINT64_MAX; }

 private:
  LedgerEnd end_;
};

}  // namespace farthing::storage
