// What a commit costs: LedgerStore::append until Durable, beside a bare synced RocksDB Put of the
// same size. One append in flight, handed to the store's thread and reported back.
#include "storage/rocksdb_store.h"

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <rocksdb/db.h>

namespace {

using namespace farthing;

// A folder that is gone afterwards; in the current folder, since /tmp may be in memory.
struct Folder {
  std::filesystem::path path = std::filesystem::absolute("commit_bench-data");
  Folder() { std::filesystem::remove_all(path); }
  ~Folder() { std::filesystem::remove_all(path); }
};

void bare_synced_put(benchmark::State& state) {
  const Folder folder;
  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::DB* opened = nullptr;
  if (!rocksdb::DB::Open(options, folder.path.string(), &opened).ok()) std::abort();
  const std::unique_ptr<rocksdb::DB> db(opened);
  const std::string body(static_cast<std::size_t>(state.range(0)), 'x');
  rocksdb::WriteOptions synced;
  synced.sync = true;
  std::uint64_t number = 0;
  for (auto _ : state) {
    const std::uint64_t key = __builtin_bswap64(++number);
    const rocksdb::Slice key_bytes(reinterpret_cast<const char*>(&key), sizeof key);
    if (!db->Put(synced, key_bytes, body).ok()) std::abort();
  }
}

void append_until_durable(benchmark::State& state) {
  const Folder folder;
  storage::StoreOptions options;
  options.folder = folder.path;
  auto store = storage::open_rocksdb_store(options);
  if (!store.has_value()) std::abort();
  std::atomic<std::uint64_t> durable = 0;
  (*store)->set_durable([&](storage::Sequence last) {
    durable = last.value;
    durable.notify_one();
  });
  std::string body;
  std::vector<storage::Document> documents;
  for (auto _ : state) {
    const std::uint64_t before = durable;
    body.assign(static_cast<std::size_t>(state.range(0)), 'x');
    (*store)->append(body, 1, base::Time(base::Duration(before)), documents);
    durable.wait(before);
  }
}

BENCHMARK(bare_synced_put)->Arg(200)->Arg(51200)->Arg(204800)->UseRealTime();
BENCHMARK(append_until_durable)->Arg(200)->Arg(51200)->Arg(204800)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
