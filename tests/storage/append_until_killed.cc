// A process for the tests to kill: traffic (tests/storage/traffic.h) on the store in FOLDER for
// ever, with records of BODY_BYTES. Says on stdout what is durable, when it is.
#include "storage/rocksdb_store.h"
#include "tests/storage/traffic.h"

#include <cstdio>
#include <cstdlib>
#include <string>

#include <fmt/format.h>
#include <unistd.h>

int main(int argc, char** argv) {
  using namespace farthing;
  if (argc != 3) return 2;
  storage::StoreOptions options;
  options.folder = argv[1];
  options.high_water_interval = std::chrono::milliseconds(20);
  auto store = storage::open_rocksdb_store(options);
  if (!store.has_value()) {
    std::fprintf(stderr, "%s\n", store.error().message.c_str());
    return 1;
  }
  storage::Traffic traffic(**store, std::strtoul(argv[2], nullptr, 10), [](storage::Sequence last) {
    const std::string line = fmt::format("{}\n", last.value);
    (void)!::write(STDOUT_FILENO, line.data(), line.size());
  });
  traffic.run();
}
