// A process for rocksdb_store_test to kill: appends to the ledger in FOLDER for ever, records of
// BODY_BYTES whose first bytes are their number, and says on stdout what is durable, when it is.
#include "storage/rocksdb_store.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

int main(int argc, char** argv) {
  using namespace farthing;
  if (argc != 3) return 2;
  const std::size_t body_bytes = std::strtoul(argv[2], nullptr, 10);
  storage::StoreOptions options;
  options.folder = argv[1];
  options.high_water_interval = std::chrono::milliseconds(20);
  auto store = storage::open_rocksdb_store(options);
  if (!store.has_value()) {
    std::fprintf(stderr, "%s\n", store.error().message.c_str());
    return 1;
  }
  std::atomic<std::uint64_t> durable = (*store)->end().last.value;
  (*store)->set_durable([&](storage::Sequence last) {
    const std::string line = fmt::format("{}\n", last.value);
    (void)!::write(STDOUT_FILENO, line.data(), line.size());
    durable = last.value;
    durable.notify_one();
  });
  std::vector<storage::Document> documents;
  for (std::string body;;) {
    const std::uint64_t before = durable;
    body = fmt::format("{};", before + 1);
    body.resize(std::max(body.size(), body_bytes), 'x');
    documents.push_back({"last/one", std::to_string(before + 1)});
    (*store)->append(body, 1, base::Time(base::Duration(before)), documents);
    durable.wait(before);
  }
}
