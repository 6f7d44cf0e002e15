// A process for the tests that ends as a server's does: traffic (tests/storage/traffic.h) on a
// store in FOLDER/data, which is copied again and again, while the N-th write or sync of the disk
// fails.
#include "storage/rocksdb_store.h"
#include "tools/sim/lossy_file_system.h"
#include "tests/storage/traffic.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>

#include <fmt/format.h>

int main(int argc, char** argv) {
  using namespace farthing;
  namespace fs = std::filesystem;
  if (argc != 4) return 2;
  const fs::path folder = argv[1];
  fs::create_directories(folder / "disk" / "data");
  sim::LossyFileSystem disk(folder / "disk", folder / "attic", 1);
  storage::StoreOptions options;
  options.folder = folder / "disk" / "data";
  options.file_system = disk.get();
  options.ledger_file_bytes = 1 << 17;
  auto store = storage::open_rocksdb_store(options);
  if (!store.has_value()) {
    std::fprintf(stderr, "%s\n", store.error().message.c_str());
    return 1;
  }
  storage::Traffic traffic(**store, 20'000);
  std::thread runner([&traffic] { traffic.run(); });
  const std::uint64_t nth = std::strtoul(argv[2], nullptr, 10);
  for (int copies = 0;; ++copies) {
    if (std::string_view(argv[3]) == "sync") {
      disk.fail_sync_after(nth);
    } else {
      disk.fail_write_after(nth);
    }
    // Until it is not a write of the copy that fails.
    const fs::path copy = folder / "disk" / fmt::format("copy {}", copies);
    while ((*store)->copy_to(copy).has_value()) fs::remove_all(copy);
  }
}
