// The project's own files as the tidy test reads them: their text, what they include, what CMake
// compiles, how long their functions are.
//
// Threads: one. Errors: a folder that cannot be read throws (the test fails).
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::test {

struct SourceFile {
  std::string path;  // from the root: "engine/decide.cc"
  std::string text;
  std::vector<std::string_view> lines;  // of `text`, without their ends

  bool is_in(std::string_view folder) const;  // "" is the root: every file
  bool has_extension(std::string_view extension) const { return path.ends_with(extension); }
  bool is_header() const { return has_extension(".h"); }
  bool is_code() const { return is_header() || has_extension(".cc") || has_extension(".c"); }
};

struct Include {
  std::size_t line;
  std::string name;  // "engine/base/assert.h", "rocksdb/db.h"
  bool is_ours;      // in quotation marks
};

struct Function {
  std::size_t line;  // its first
  std::size_t lines;
};

// Every text file that belongs to the project: build folders, dot folders (.ci excepted) and
// captures and old data folders are passed over.
std::vector<SourceFile> read_tree(const std::string& root);

std::vector<Include> includes_of(const SourceFile& file);
// Functions by their braces: good enough for formatted code.
std::vector<Function> functions_of(const SourceFile& file);
// The paths of all .cc and .c files that some CMakeLists.txt names.
std::set<std::string> compiled_files(const std::vector<SourceFile>& tree);

}  // namespace farthing::test
