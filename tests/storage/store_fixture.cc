#include "tests/storage/store_fixture.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <system_error>
#include <utility>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace farthing::storage {

namespace fs = std::filesystem;

Ledger::Ledger(std::unique_ptr<LedgerStore> store)
    : store_(std::move(store)), durable_(store_->end().last.value) {
  store_->set_durable([this](Sequence last) {
    durable_ = last.value;
    durable_.notify_one();
  });
  store_->set_round_written([this] {
    ++rounds_;
    rounds_.notify_one();
  });
}

void Ledger::append(std::string body, std::uint32_t count, std::vector<Document> documents) {
  const std::uint64_t before = durable_;
  store_->append(body, count, at(before + count), documents);
  EXPECT_TRUE(body.empty());
  EXPECT_TRUE(documents.empty());
  durable_.wait(before);
  EXPECT_EQ(durable_, before + count);
}

void Ledger::write(Round& round) {
  const std::uint64_t before = rounds_;
  store_->write_round(round);
  EXPECT_TRUE(round.empty());
  rounds_.wait(before);
}

std::vector<std::string> Ledger::bodies(std::uint64_t from) const {
  std::vector<std::string> found;
  const auto result = store_->scan(Sequence(from), [&](const Record& record) {
    found.emplace_back(record.body);
    return true;
  });
  EXPECT_TRUE(result.has_value());
  return found;
}

std::vector<std::string> Ledger::rows(Table table, std::string_view from) const {
  std::vector<std::string> found;
  const auto result = store_->visit(table, from, [&](std::string_view key, std::string_view value) {
    found.push_back(std::string(key) + "=" + std::string(value));
    return true;
  });
  EXPECT_TRUE(result.has_value());
  return found;
}

std::optional<std::string> Ledger::fetch(Table table, std::string_view key) const {
  const auto value = store_->fetch(table, key);
  EXPECT_TRUE(value.has_value());
  return value.has_value() ? *value : std::nullopt;
}

Ledger open_ledger(const StoreOptions& options) {
  auto store = open_rocksdb_store(options);
  if (!store.has_value()) {
    ADD_FAILURE() << store.error().message;
    std::abort();
  }
  return Ledger(std::move(*store));
}

fs::path newest_log(const fs::path& folder) {
  fs::path newest;
  for (const auto& entry : fs::directory_iterator(folder / "ledger")) {
    if (entry.path().extension() == ".log") newest = std::max(newest, entry.path());
  }
  return newest;
}

void flip_byte(const fs::path& path, std::uint64_t offset) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(offset));
  const int byte = file.get();
  ASSERT_NE(byte, EOF);
  file.seekp(static_cast<std::streamoff>(offset));
  file.put(static_cast<char>(byte ^ 0x40));
}

Appender::Appender(const fs::path& folder, const char* body_bytes, rlim_t file_size_max) {
  std::array<int, 2> out{};
  std::array<int, 2> err{};
  if (::pipe(out.data()) != 0 || ::pipe(err.data()) != 0) std::abort();
  const std::string name = folder.string();
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(out[1], STDOUT_FILENO);
    ::dup2(err[1], STDERR_FILENO);
    if (file_size_max != RLIM_INFINITY) {
      ::signal(SIGXFSZ, SIG_IGN);
      const rlimit limit{file_size_max, file_size_max};
      ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    ::execl(APPEND_UNTIL_KILLED, APPEND_UNTIL_KILLED, name.c_str(), body_bytes, nullptr);
    ::_exit(126);
  }
  ::close(out[1]);
  ::close(err[1]);
  out_ = ::fdopen(out[0], "r");
  err_ = ::fdopen(err[0], "r");
}

Appender::~Appender() {
  std::fclose(out_);
  std::fclose(err_);
}

void Appender::kill() const { ::kill(pid_, SIGKILL); }

std::optional<std::uint64_t> Appender::next_durable() {
  unsigned long long last = 0;
  if (std::fscanf(out_, "%llu\n", &last) != 1) return std::nullopt;
  return last;
}

int Appender::status() const {
  int status = 0;
  ::waitpid(pid_, &status, 0);
  return status;
}

std::string Appender::complaint() {
  std::string text;
  for (int c = 0; (c = std::fgetc(err_)) != EOF;) text.push_back(static_cast<char>(c));
  return text;
}

}  // namespace farthing::storage
