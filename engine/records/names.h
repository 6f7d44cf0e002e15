// What records are given beside what their entries say: names, which entries hold as numbers.
//
// Accounts and subscribers are found by a function that the program injects: a server asks its
// book, a reader of a stopped server's folder keeps a table of its own. Tariffs are read from the
// ledger store, where their sources are.
//
// Threads: one each.
#pragma once

#include "engine/book.h"
#include "engine/entry.h"
#include "engine/types.h"
#include "storage/ledger_store.h"
#include "tariffs/tariff.h"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace farthing::engine::records {

struct Who {
  AccountNumber account;
  SubscriberNumber subscriber;
  // Found: what is not known stays empty.
  std::string name;
  Identity msisdn;
  Identity imsi;
};

// Fills in the names of many at once. False: they cannot be had any more (the server is stopping).
using FindNames = std::function<bool(std::span<Who>)>;

// Those in memory, on the thread that the book belongs to.
void find_names(const Book& book, std::span<Who> who);
// The others, by their rows in the checkpoint. False: it cannot be read.
[[nodiscard]] bool find_names(const storage::LedgerStore& store, std::span<Who> who);

// The names in a ledger, for readers without a book: 24 bytes an account whose name is its first
// subscriber's MSISDN, as it mostly is, and what there is beside that.
class NameTable {
 public:
  void add(const Entry& entry);
  // Those without a name yet.
  void find(std::span<Who> who) const;

 private:
  struct Row {
    Identity msisdn;  // of the first subscriber
    Identity imsi;
    std::uint32_t name = 0;  // place among the names + 1; 0: its MSISDN
  };

  std::vector<Row> rows_;  // by AccountNumber - 1
  std::vector<std::string> names_;
  // By account and subscriber, from the second on.
  boost::unordered_flat_map<std::uint64_t, std::pair<Identity, Identity>> others_;
};

// The tariffs by version, compiled when they are first asked for.
class TariffNames {
 public:
  explicit TariffNames(const storage::LedgerStore& store) : store_(store) {}

  // nullptr where the ledger store has no such version.
  const tariffs::Tariff* find(tariffs::TariffVersion version);

 private:
  const storage::LedgerStore& store_;
  std::map<tariffs::TariffVersion, std::shared_ptr<const tariffs::Tariff>> tariffs_;
};

}  // namespace farthing::engine::records
