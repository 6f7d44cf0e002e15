// The running exporter: every record in the files exactly once, wherever it was ended.
#include "engine/records/exporter.h"

#include "engine/records/export.h"
#include "engine/retention.h"
#include "tests/engine/records/traffic.h"
#include "tests/support/ledger_sums.h"
#include "tests/support/temp_folder.h"

#include <boost/json.hpp>

#include <fstream>
#include <random>
#include <sstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace farthing::engine::records {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using test::Traffic;
using testing::HasSubstr;

std::string read_file(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

void write_file(const fs::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

std::vector<fs::path> files_of(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& file : fs::directory_iterator(folder)) {
    if (file.path().filename().string().starts_with("records-")) files.push_back(file.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

class ExporterTest : public testing::Test {
 protected:
  ExporterTest() {
    options_.rotate_after = std::chrono::hours(100'000);
    options_.folder = folder_.file("records");
    options_.format = Format::json;
  }

  std::unique_ptr<RecordReader> open() {
    auto opened = RecordReader::open(
        traffic_.store(),
        [this](std::span<Who> who) {
          find_names(traffic_.engine().shard().book(), who);
          return true;
        },
        options_, [] { return true; });
    EXPECT_TRUE(opened.has_value()) << opened.error();
    return std::move(*opened);
  }
  std::string open_error() {
    const auto opened = RecordReader::open(
        traffic_.store(), [](std::span<Who>) { return true; }, options_, [] { return true; });
    return opened.has_value() ? "" : opened.error();
  }
  void read_all(RecordReader& reader) {
    for (;;) {
      const auto more = reader.step(traffic_.engine().now());
      ASSERT_TRUE(more.has_value()) << more.error();
      if (!*more) return;
    }
  }
  // The numbers of the entries that ended the records in all files, in the order of the files.
  std::vector<std::uint64_t> written() {
    std::vector<std::uint64_t> entries;
    for (const fs::path& file : files_of(options_.folder)) {
      std::istringstream lines(read_file(file));
      for (std::string line; std::getline(lines, line);) {
        entries.push_back(json::parse(line).at("last_entry").to_number<std::uint64_t>());
      }
    }
    return entries;
  }
  std::vector<std::uint64_t> expected() {
    const auto sums = test::ledger_sums(traffic_.store());
    return {sums.closings.begin(), sums.closings.end()};
  }

  // Everything until now leaves the ledger for the archive.
  void archive_all() {
    traffic_.engine().advance(std::chrono::hours(2));
    traffic_.engine().checkpoint();
    RetentionHooks hooks;
    hooks.enter = [this](const LedgerCut& cut) {
      traffic_.engine().shard().enter_cut(cut, archive().string());
      traffic_.engine().sync();
      return true;
    };
    hooks.oldest_needed = [] { return std::optional(Sequence(UINT64_MAX)); };
    hooks.keep_on = [] { return true; };
    Retention retention(traffic_.engine().store(), {std::chrono::hours(1), archive(), 50'000},
                        std::move(hooks));
    const auto done = retention.run(traffic_.engine().now());
    ASSERT_TRUE(done.has_value()) << done.error();
    ASSERT_TRUE(done->has_value());
  }
  fs::path archive() const { return folder_.path() / "archive"; }

  test::TempFolder folder_;
  Traffic traffic_{5};
  ExportOptions options_;
};

TEST_F(ExporterTest, follows_the_ledger_and_rotates_by_size) {
  options_.rotate_bytes = 20'000;
  const auto reader = open();
  for (int round = 0; round < 5; ++round) {
    traffic_.run(300);
    read_all(*reader);
  }
  EXPECT_EQ(written(), expected());
  EXPECT_EQ(reader->records(), expected().size());
  const auto files = files_of(options_.folder);
  EXPECT_GT(files.size(), 5u);
  EXPECT_EQ(reader->files().completed_files(), files.size() - 1);
  for (const fs::path& file : files) {
    EXPECT_EQ(file.extension() == ".part", file == files.back()) << file;
    EXPECT_LT(fs::file_size(file), 25'000u);
  }
}

TEST_F(ExporterTest, rotates_by_age) {
  const auto reader = open();
  traffic_.run(50);
  read_all(*reader);
  ASSERT_EQ(files_of(options_.folder).size(), 1u);
  const fs::path part = files_of(options_.folder)[0];
  EXPECT_EQ(part.extension(), ".part");
  traffic_.engine().advance(options_.rotate_after);
  read_all(*reader);
  fs::path whole = part;
  whole.replace_extension();
  EXPECT_EQ(files_of(options_.folder), std::vector{whole});
  EXPECT_EQ(written(), expected());
}

// Ended at any moment, also between what is written and what is committed, and with torn ends.
TEST_F(ExporterTest, writes_each_record_once_wherever_it_was_ended) {
  std::mt19937 random(11);
  options_.rotate_bytes = 15'000;
  options_.rotate_after = std::chrono::seconds(900);
  for (int round = 0; round < 40; ++round) {
    auto reader = open();
    options_.commit_interval = std::chrono::milliseconds(random() % 3 == 0 ? 0 : 3'600'000);
    for (auto steps = random() % 3; steps > 0; --steps) {
      traffic_.run(static_cast<int>(random() % 150));
      read_all(*reader);
    }
    const bool stopped_cleanly = random() % 2 == 0;
    if (stopped_cleanly) {
      ASSERT_TRUE(reader->commit(traffic_.engine().now()).has_value());
    }
    reader.reset();
    for (const fs::path& file : files_of(options_.folder)) {
      if (file.extension() != ".part" || stopped_cleanly) continue;
      std::ofstream(file, std::ios::app) << R"({"record":"torn)";
    }
  }
  read_all(*open());
  EXPECT_EQ(written(), expected());
}

// Copies of the folder taken at every commit are what a power cut leaves.
TEST_F(ExporterTest, goes_on_from_any_committed_state) {
  options_.rotate_bytes = 10'000;
  options_.commit_interval = std::chrono::milliseconds(0);
  std::vector<fs::path> copies;
  {
    const auto reader = open();
    for (int i = 0; i < 15; ++i) {
      traffic_.run(60);
      read_all(*reader);
      copies.push_back(folder_.file("copy-" + std::to_string(i)));
      fs::copy(options_.folder, copies.back());
    }
  }
  for (const fs::path& copy : copies) {
    options_.folder = copy;
    // Completed files may have been collected by then: only what comes now is looked at.
    const auto reader = open();
    read_all(*reader);
    EXPECT_EQ(written(), expected()) << copy;
  }
}

TEST_F(ExporterTest, a_completed_file_that_was_collected_is_not_missed) {
  auto reader = open();
  traffic_.run(100);
  read_all(*reader);
  ASSERT_TRUE(reader->commit(traffic_.engine().now()).has_value());
  reader.reset();
  // The server ended after the renaming, before the position was saved again.
  const fs::path part = files_of(options_.folder)[0];
  fs::path whole = part;
  fs::rename(part, whole.replace_extension());
  const auto before = written();
  fs::rename(whole, folder_.file("collected"));
  traffic_.run(100);
  read_all(*open());
  auto all = before;
  for (std::uint64_t entry : written()) all.push_back(entry);
  EXPECT_EQ(all, expected());
}

TEST_F(ExporterTest, another_format_begins_a_file_of_its_own) {
  traffic_.run(100);
  auto reader = open();
  read_all(*reader);
  ASSERT_TRUE(reader->commit(traffic_.engine().now()).has_value());
  reader.reset();
  const std::size_t before = written().size();
  options_.format = Format::csv;
  traffic_.run(100);
  reader = open();
  read_all(*reader);
  const auto files = files_of(options_.folder);
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(files[0].extension(), ".json");
  EXPECT_THAT(files[1].string(), testing::EndsWith(".csv.part"));
  EXPECT_EQ(reader->records(), expected().size() - before);
}

TEST_F(ExporterTest, refuses_what_would_lose_or_repeat_records) {
  traffic_.run(200);
  auto reader = open();
  EXPECT_THAT(open_error(), HasSubstr("in use by another server"));
  read_all(*reader);
  ASSERT_TRUE(reader->commit(traffic_.engine().now()).has_value());
  reader.reset();

  const fs::path position = options_.folder / "position";
  const std::string text = read_file(position);
  for (std::size_t i = 0; i < text.size(); i += 3) {
    std::string spoiled = text;
    spoiled[i] ^= 1;
    write_file(position, spoiled);
    EXPECT_THAT(open_error(), HasSubstr("is damaged")) << i;
  }
  write_file(position, text);

  const fs::path file = files_of(options_.folder)[0];
  const std::string records = read_file(file);
  write_file(file, records.substr(1));
  EXPECT_THAT(open_error(), HasSubstr("bytes and had"));
  write_file(file, records);

  Traffic other(6);
  other.run(400);
  const auto opened = RecordReader::open(
      other.store(), [](std::span<Who>) { return true; }, options_, [] { return true; });
  EXPECT_THAT(opened.error(), HasSubstr("another ledger"));
  EXPECT_EQ(open_error(), "");
}

TEST_F(ExporterTest, says_which_entries_it_still_needs) {
  const auto reader = open();
  traffic_.request(RequestType::initial, "gw;long", "8613800138000", 0, 1 << 20);
  traffic_.engine().sync();
  const Sequence opening = traffic_.store().end().last;
  for (int i = 0; i < 50; ++i) {
    traffic_.request(RequestType::event, "sms;" + std::to_string(i), "8613800138002", 0, 1);
  }
  traffic_.engine().sync();
  read_all(*reader);
  ASSERT_TRUE(reader->commit(traffic_.engine().now()).has_value());
  EXPECT_EQ(reader->oldest_needed(), opening);
  traffic_.request(RequestType::termination, "gw;long", "8613800138000", 1000, 0);
  traffic_.engine().sync();
  read_all(*reader);
  ASSERT_TRUE(reader->commit(traffic_.engine().now()).has_value());
  EXPECT_EQ(reader->oldest_needed(), traffic_.store().end().last);
}

TEST_F(ExporterTest, reads_through_the_archive) {
  traffic_.run(400);
  const std::vector<std::uint64_t> first = expected();
  archive_all();
  traffic_.run(100);
  ASSERT_GT(traffic_.store().begin().last.value, 300u);
  {
    const auto reader = open();
    EXPECT_EQ(reader->missing(), "");
    read_all(*reader);  // and ends before anything is committed
    ASSERT_TRUE(reader->commit(traffic_.engine().now()).has_value());
  }
  archive_all();
  traffic_.run(200);
  read_all(*open());
  const std::vector<std::uint64_t> all = written();
  EXPECT_TRUE(std::ranges::includes(all, first));
  EXPECT_TRUE(std::ranges::is_sorted(all, std::ranges::less_equal()));
  const LedgerReader ledger(traffic_.store(), archive());
  std::string text;
  const auto count = export_span(ledger, Sequence(1), {}, Format::json,
                                 {[&text](std::string_view piece) {
                                    text += piece;
                                    return true;
                                  },
                                  {},
                                  [](Sequence) {}});
  ASSERT_TRUE(count.has_value()) << count.error();
  EXPECT_EQ(*count, all.size());
  std::string files;
  for (const fs::path& file : files_of(options_.folder)) files += read_file(file);
  EXPECT_EQ(text, files);
}

TEST_F(ExporterTest, begins_with_what_there_is_and_says_what_is_not) {
  traffic_.request(RequestType::initial, "gw;long", "8613800138000", 0, 1 << 20);
  traffic_.run(300);
  archive_all();
  const std::uint64_t begin = traffic_.store().begin().last.value + 1;
  fs::rename(archive(), folder_.path() / "elsewhere");
  traffic_.request(RequestType::termination, "gw;long", "8613800138000", 1000, 0);
  traffic_.run(200);
  {
    const auto reader = open();
    EXPECT_EQ(reader->next().value, begin);
    EXPECT_THAT(reader->missing(),
                HasSubstr("entries 1 to " + std::to_string(begin - 1) + " are missing"));
    EXPECT_THAT(reader->missing(), HasSubstr(archive().string()));
    read_all(*reader);
    ASSERT_TRUE(reader->commit(traffic_.engine().now()).has_value());
  }
  std::string text;
  for (const fs::path& file : files_of(options_.folder)) text += read_file(file);
  EXPECT_THAT(text, HasSubstr(R"("complete":false)"));
  EXPECT_THAT(text, HasSubstr(R"("account":"8613800138000")"));
  EXPECT_EQ(open()->missing(), "");  // it goes on
  // Without a book the names of those who were opened before are the checkpoint's.
  const LedgerReader ledger(traffic_.store(), archive());
  const auto beginning = ledger.beginning();
  ASSERT_TRUE(beginning.has_value());
  std::string exported;
  ASSERT_TRUE(export_span(ledger, beginning->first, {}, Format::json,
                          {[&exported](std::string_view piece) {
                             exported += piece;
                             return true;
                           },
                           {},
                           [](Sequence) {}})
                  .has_value());
  EXPECT_EQ(exported, text);
}

TEST_F(ExporterTest, a_position_in_what_is_not_there_is_refused_with_the_remedy) {
  traffic_.run(100);
  {
    const auto reader = open();
    read_all(*reader);
    ASSERT_TRUE(reader->commit(traffic_.engine().now()).has_value());
  }
  traffic_.run(300);
  archive_all();
  EXPECT_EQ(open_error(), "");
  fs::rename(archive(), folder_.path() / "elsewhere");
  EXPECT_THAT(open_error(), HasSubstr(archive().string()));
  EXPECT_THAT(open_error(), HasSubstr("name an empty folder"));
}

TEST_F(ExporterTest, runs_on_a_thread_of_its_own_and_fails_alone) {
  traffic_.run(300);
  const base::Clock clock = [] { return Time(); };
  const auto names = [](std::span<Who>) { return true; };
  {
    Exporter exporter(traffic_.store(), names, options_, clock, [](bool, std::string_view) {});
    while (exporter.status().position < traffic_.store().end().last) std::this_thread::yield();
    EXPECT_EQ(exporter.status().lag, 0u);
    EXPECT_EQ(exporter.status().records, expected().size());
    EXPECT_FALSE(exporter.status().failed);
  }
  EXPECT_EQ(written(), expected());

  options_.folder = folder_.write("a-file", "in the way") + "/records";
  std::string line;
  {
    Exporter exporter(traffic_.store(), names, options_, clock,
                      [&line](bool is_error, std::string_view text) {
                        if (is_error) line = text;
                      });
    while (!exporter.status().failed) std::this_thread::yield();
  }
  EXPECT_THAT(line, HasSubstr("a-file"));
}

}  // namespace
}  // namespace farthing::engine::records
