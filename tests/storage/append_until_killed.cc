// A process for the tests to kill: appends to the ledger in FOLDER for ever, records of BODY_BYTES
// whose first bytes are their number, and says on stdout what is durable, when it is. All the while
// it writes rounds: round n gives every row of two tables the value n.
#include "storage/rocksdb_store.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

namespace {

using namespace farthing;

void fill(storage::Round& round, unsigned number) {
  const std::string value = std::to_string(number);
  for (unsigned i = 0; i < 2000; ++i) {
    const std::string key = fmt::format("{:04}", i);
    round.put(storage::Table::accounts, key, value);
    if (i % 2 == 0) round.put(storage::Table::sessions, key, value);
  }
  // The row of the round before, by a range over all digits.
  round.erase_range(storage::Table::duplicates, "0", ":");
  round.put(storage::Table::duplicates, value, value);
  round.put(storage::Table::meta, "round", value);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::size_t body_bytes = std::strtoul(argv[2], nullptr, 10);
  storage::StoreOptions options;
  options.folder = argv[1];
  options.high_water_interval = std::chrono::milliseconds(20);
  auto opened = storage::open_rocksdb_store(options);
  if (!opened.has_value()) {
    std::fprintf(stderr, "%s\n", opened.error().message.c_str());
    return 1;
  }
  storage::LedgerStore& store = **opened;
  std::atomic<std::uint64_t> durable = store.end().last.value;
  store.set_durable([&](storage::Sequence last) {
    const std::string line = fmt::format("{}\n", last.value);
    (void)!::write(STDOUT_FILENO, line.data(), line.size());
    durable = last.value;
    durable.notify_one();
  });
  std::atomic<bool> round_under_way = false;
  store.set_round_written([&] { round_under_way = false; });
  const auto last_round = store.fetch(storage::Table::meta, "round");
  unsigned rounds = last_round.has_value() && last_round->has_value()
                        ? static_cast<unsigned>(std::stoul(**last_round))
                        : 0;
  storage::Round round;
  std::vector<storage::Document> documents;
  for (std::string body;;) {
    if (!round_under_way.exchange(true)) {
      fill(round, ++rounds);
      store.write_round(round);
    }
    const std::uint64_t before = durable;
    body = fmt::format("{};", before + 1);
    body.resize(std::max(body.size(), body_bytes), 'x');
    documents.push_back({"last/one", std::to_string(before + 1)});
    store.append(body, 1, base::Time(base::Duration(before)), documents);
    durable.wait(before);
  }
}
