// The house rules, held over the tree by reading its files: who may include whom, widths and
// lengths, files that nothing uses, leftovers. The floors are those of docs/architecture.md.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "tests/tidy_tree.h"

namespace farthing::test {
namespace {

// Who knows whom: the row with the longest fitting prefix holds for a file. `allowed` are prefixes
// of what it may include of ours, `never` takes out of them again.
struct Floor {
  std::string_view prefix;
  std::vector<std::string_view> allowed;
  std::vector<std::string_view> never;
};

const std::vector<Floor>& floors() {
  static const std::vector<Floor> rows = {
      {"engine/base/", {"engine/base/"}, {}},
      {"tariffs/", {"tariffs/", "engine/base/"}, {}},
      {"storage/", {"storage/", "engine/base/"}, {}},
      {"engine/",
       {"engine/", "tariffs/", "storage/"},
       {"engine/admin/", "engine/config/", "engine/records/"}},
      {"engine/records/", {"engine/", "tariffs/", "storage/"}, {"engine/admin/", "engine/config/"}},
      {"engine/config/",
       {"engine/config/", "engine/base/", "tariffs/", "diameter/peer_profile.h"},
       {}},
      {"engine/admin/", {"engine/", "tariffs/", "storage/"}, {"engine/config/"}},
      {"diameter/",
       {"diameter/", "engine/base/"},
       {"diameter/credit_control", "diameter/session_requests", "diameter/agent/"}},
      {"diameter/credit_control", {"diameter/", "engine/", "tariffs/"}, {"engine/admin/"}},
      {"diameter/session_requests", {"diameter/", "engine/"}, {"engine/admin/"}},
      {"diameter/agent/", {"diameter/agent/", "diameter/raw_avps", "engine/base/"}, {}},
      {"tools/", {""}, {"tests/", "bench/"}},
      {"tools/load/", {"tools/load/", "engine/base/"}, {}},
      {"bench/", {""}, {"tools/"}},
      {"tests/", {""}, {"bench/"}},
  };
  return rows;
}

// Headers of others: where they may be included, and whether only in .cc files, since they are slow
// to compile.
struct Outsider {
  std::string_view prefix;
  std::vector<std::string_view> allowed;
  bool is_heavy;
};

const std::vector<Outsider>& outsiders() {
  static const std::vector<Outsider> rows = {
      {"rocksdb/", {"storage/", "bench/", "tools/sim/lossy_file_system", "tests/storage/"}, true},
      {"freeDiameter/", {"diameter/agent/", "bench/", "tests/"}, true},
      {"boost/asio", {"diameter/", "engine/admin/", "tools/", "bench/", "tests/"}, true},
      {"boost/beast", {"engine/admin/", "tools/", "tests/"}, true},
      {"yaml-cpp/", {"tariffs/", "engine/config/"}, true},
      {"prometheus/", {"engine/admin/", "tools/"}, true},
      {"CLI/", {"tools/"}, false},
      {"gtest/", {"tests/"}, false},
      {"rapidcheck", {"tests/"}, false},
      {"benchmark/", {"bench/"}, false},
  };
  return rows;
}

// Ratchets: what is longer than the rule, and how long it may be. Rows only shrink and go.
struct Exception {
  std::string_view path;
  std::size_t lines;
};
constexpr std::size_t file_lines_max = 800;
constexpr std::size_t function_lines_max = 70;
constexpr std::array<Exception, 0> long_files = {};
constexpr std::array<Exception, 0> long_functions = {};

constexpr std::array<std::string_view, 1> wide_files = {"tests/engine/hostile_test.cc"};

// Tests that may be skipped, each for a reason of its own.
constexpr std::array<std::string_view, 4> may_skip = {
    "tests/diameter/freediameter_test.cc",  // a machine without freeDiameter's extensions
    "tests/diameter/server_test.cc",        // a machine without IPv6 or tshark
    "tests/system/agent_test.cc",           // no freediameterd, or no right to make namespaces
    "tests/system/tshark_test.cc",          // a machine without tshark
};

class TidyTest : public ::testing::Test {
 protected:
  static const std::vector<SourceFile>& tree() {
    static const std::vector<SourceFile> files = read_tree(FARTHING_SOURCE);
    return files;
  }

  void find(const SourceFile& file, std::size_t line, const std::string& what) {
    findings_ += file.path + ":" + std::to_string(line) + ": " + what + "\n";
  }
  void find(const SourceFile& file, const std::string& what) { find(file, 1, what); }
  void TearDown() override {
    if (!findings_.empty()) ADD_FAILURE() << findings_;
  }

  static bool begins_with_any(std::string_view name, std::span<const std::string_view> prefixes) {
    return std::any_of(prefixes.begin(), prefixes.end(),
                       [name](std::string_view prefix) { return name.starts_with(prefix); });
  }

 private:
  std::string findings_;
};

const Floor* floor_of(const SourceFile& file) {
  const Floor* best = nullptr;
  for (const Floor& floor : floors()) {
    if (!file.is_in(floor.prefix)) continue;
    if (best == nullptr || floor.prefix.size() > best->prefix.size()) best = &floor;
  }
  return best;
}

TEST_F(TidyTest, folders_know_only_what_their_floor_allows) {
  for (const SourceFile& file : tree()) {
    if (!file.is_code()) continue;
    const Floor* floor = floor_of(file);
    if (floor == nullptr) {
      find(file, "stands on no floor: add its folder to the table of this test");
      continue;
    }
    for (const Include& include : includes_of(file)) {
      if (!include.is_ours) continue;
      const bool is_own = include.name.starts_with(floor->prefix);
      if (!begins_with_any(include.name, floor->allowed) ||
          (!is_own && begins_with_any(include.name, floor->never))) {
        find(file, include.line, "may not know " + include.name);
      }
    }
  }
}

TEST_F(TidyTest, libraries_stay_where_they_belong) {
  for (const SourceFile& file : tree()) {
    if (!file.is_code()) continue;
    for (const Include& include : includes_of(file)) {
      for (const Outsider& outsider : outsiders()) {
        if (include.is_ours || !include.name.starts_with(outsider.prefix)) continue;
        if (!begins_with_any(file.path, outsider.allowed)) {
          find(file, include.line, "may not include <" + include.name + ">");
        } else if (outsider.is_heavy && file.is_header()) {
          find(file, include.line, "a slow header, for .cc files only: <" + include.name + ">");
        }
      }
    }
  }
}

TEST_F(TidyTest, includes_are_from_the_root_and_the_own_header_comes_first) {
  for (const SourceFile& file : tree()) {
    if (!file.is_code()) continue;
    const std::vector<Include> includes = includes_of(file);
    for (const Include& include : includes) {
      if (!include.is_ours) continue;
      const auto is_it = [&include](const SourceFile& other) { return other.path == include.name; };
      if (std::none_of(tree().begin(), tree().end(), is_it) && !include.name.ends_with(".pb.h")) {
        find(file, include.line, "no such file from the root: " + include.name);
      }
    }
    // So every header is compiled with nothing before it.
    if (!file.has_extension(".cc")) continue;
    const std::string header = file.path.substr(0, file.path.size() - 3) + ".h";
    for (std::size_t n = 1; n < includes.size(); ++n) {
      if (includes[n].name == header) find(file, includes[n].line, "its own header comes first");
    }
  }
}

TEST_F(TidyTest, headers_begin_with_their_purpose_and_pragma_once) {
  for (const SourceFile& file : tree()) {
    if (!file.is_header()) continue;
    if (!file.text.starts_with("// ")) find(file, "begins with no comment on its purpose");
    if (file.text.find("\n#pragma once\n") == std::string::npos) find(file, "no #pragma once");
  }
}

TEST_F(TidyTest, every_file_is_used) {
  const std::set<std::string> compiled = compiled_files(tree());
  std::map<std::string, std::vector<std::string>> included_by;
  for (const SourceFile& file : tree()) {
    if (!file.is_code()) continue;
    for (const Include& include : includes_of(file)) included_by[include.name].push_back(file.path);
  }
  for (const SourceFile& file : tree()) {
    if (file.is_header()) {
      const std::string own = file.path.substr(0, file.path.size() - 2) + ".cc";
      const auto& users = included_by[file.path];
      if (std::all_of(users.begin(), users.end(), [&](const auto& user) { return user == own; })) {
        find(file, "nothing includes it");
      }
    } else if (file.is_code() && !compiled.contains(file.path)) {
      find(file, "no CMakeLists.txt names it");
    }
  }
  for (const std::string& path : compiled) {
    const auto is_it = [&path](const SourceFile& file) { return file.path == path; };
    const bool is_generated =
        path.find('{') != std::string::npos || path == "tariffs/demo_tariff.cc";
    EXPECT_TRUE(is_generated || std::any_of(tree().begin(), tree().end(), is_it))
        << path << " is named in a CMakeLists.txt and does not exist";
  }
}

// The width of formatted code is 100 columns; of what is written by hand and run, 120.
std::size_t width_max(const SourceFile& file) {
  const bool is_wide =
      std::find(wide_files.begin(), wide_files.end(), file.path) != wide_files.end();
  if (file.is_code()) return is_wide ? 120 : 100;
  const bool is_prose = file.has_extension(".md") || file.has_extension(".txt");
  const bool is_build = file.path.ends_with("CMakeLists.txt");
  return is_prose && !is_build ? 1000 : 120;
}

TEST_F(TidyTest, lines_are_not_too_long_and_have_no_space_at_their_end) {
  for (const SourceFile& file : tree()) {
    for (std::size_t n = 0; n < file.lines.size(); ++n) {
      const std::string_view line = file.lines[n];
      // Columns are characters: continuation bytes of UTF-8 do not count.
      const auto width =
          static_cast<std::size_t>(std::count_if(line.begin(), line.end(), [](char c) {
            return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
          }));
      if (width > width_max(file)) find(file, n + 1, std::to_string(width) + " columns");
      if (line.ends_with(' ') || line.ends_with('\t') || line.ends_with('\r')) {
        find(file, n + 1, "space at the end of the line");
      }
      if (line.find('\t') != std::string_view::npos) find(file, n + 1, "a tab");
    }
    if (!file.text.empty() && !file.text.ends_with('\n')) find(file, "no newline at its end");
    if (file.text.ends_with("\n\n")) find(file, "empty lines at its end");
  }
}

TEST_F(TidyTest, files_are_not_too_long) {
  for (const SourceFile& file : tree()) {
    if (!file.is_code()) continue;
    std::size_t allowed = file_lines_max;
    for (const Exception& row : long_files) {
      if (row.path != file.path) continue;
      allowed = row.lines;
      if (file.lines.size() < row.lines) find(file, "shorter than its exception: lower that");
    }
    if (file.lines.size() > allowed) find(file, std::to_string(file.lines.size()) + " lines");
  }
}

TEST_F(TidyTest, functions_are_not_too_long) {
  std::size_t functions_seen = 0;
  for (const SourceFile& file : tree()) {
    if (!file.is_code()) continue;
    std::size_t allowed = function_lines_max;
    for (const Exception& row : long_functions) {
      if (row.path == file.path) allowed = row.lines;
    }
    std::size_t longest = 0;
    for (const Function& function : functions_of(file)) {
      ++functions_seen;
      longest = std::max(longest, function.lines);
      if (function.lines <= allowed) continue;
      find(file, function.line, "a function of " + std::to_string(function.lines) + " lines");
    }
    if (allowed != function_lines_max && longest < allowed) {
      find(file,
           "its longest function has " + std::to_string(longest) + " lines: lower its exception");
    }
  }
  EXPECT_GT(functions_seen, 1000u) << "the reader of functions sees too few of them";
}

TEST_F(TidyTest, there_are_no_leftovers) {
  // In two pieces each, so that this file has none of them.
  const std::array<std::string, 6> leftovers = {
      "TO"
      "DO",
      "FIX"
      "ME",
      "XX"
      "X:",
      "/wo"
      "rk/",
      "/ro"
      "ot/",
      "/ho"
      "me/"};
  const std::array<std::string, 2> skips = {
      "GTEST_"
      "SKIP",
      "DISA"
      "BLED_"};
  for (const SourceFile& file : tree()) {
    const bool may_be_skipped =
        std::find(may_skip.begin(), may_skip.end(), file.path) != may_skip.end();
    for (std::size_t n = 0; n < file.lines.size(); ++n) {
      for (const std::string& leftover : leftovers) {
        if (file.lines[n].find(leftover) != std::string_view::npos) find(file, n + 1, leftover);
      }
      for (const std::string& skip : skips) {
        if (may_be_skipped || file.lines[n].find(skip) == std::string_view::npos) continue;
        find(file, n + 1, "a test that is skipped");
      }
    }
  }
}

TEST_F(TidyTest, every_folder_says_what_it_is) {
  for (const char* folder :
       {"bench", "diameter", "engine", "engine/admin", "storage", "tariffs", "tests", "tools"}) {
    const auto path = std::filesystem::path(FARTHING_SOURCE) / folder / "README.md";
    EXPECT_TRUE(std::filesystem::exists(path)) << folder << " has no README.md";
  }
}

TEST_F(TidyTest, scripts_can_be_run) {
  for (const SourceFile& file : tree()) {
    if (!file.text.starts_with("#!")) continue;
    const auto status = std::filesystem::status(std::filesystem::path(FARTHING_SOURCE) / file.path);
    const bool may_run =
        (status.permissions() & std::filesystem::perms::owner_exec) != std::filesystem::perms::none;
    if (!may_run) find(file, "a script that is not executable");
  }
}

}  // namespace
}  // namespace farthing::test
