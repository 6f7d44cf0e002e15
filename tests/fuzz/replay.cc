// Plays inputs through a fuzz target once each, in the order of their names:
//
//   codec_fuzz FILE-OR-FOLDER...
//
// Names each before it is played, so that the last line names the one that ended the program. Exit
// code 0: all were played; 2: there was none.
#include "tests/fuzz/input.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <vector>

namespace {

namespace fs = std::filesystem;

std::set<fs::path> files_of(int count, char** arguments) {
  std::set<fs::path> files;
  for (int i = 1; i < count; ++i) {
    const fs::path path = arguments[i];
    if (!fs::is_directory(path)) {
      files.insert(path);
      continue;
    }
    for (const auto& entry : fs::directory_iterator(path)) files.insert(entry.path());
  }
  return files;
}

bool play(const fs::path& path) {
  std::printf("%s\n", path.c_str());
  std::fflush(stdout);
  std::ifstream in(path, std::ios::binary);
  if (!in) return false;
  // Exactly as large as it is, so that a sanitizer sees what is read past its end.
  const std::vector<char> read{std::istreambuf_iterator<char>(in),
                               std::istreambuf_iterator<char>()};
  const std::vector<std::uint8_t> octets(read.begin(), read.end());
  LLVMFuzzerTestOneInput(octets.data(), octets.size());
  return true;
}

}  // namespace

int main(int count, char** arguments) {
  const std::set<fs::path> files = files_of(count, arguments);
  for (const fs::path& path : files) {
    if (!play(path)) {
      std::fprintf(stderr, "%s cannot be read\n", path.c_str());
      return 2;
    }
  }
  std::printf("%zu inputs played\n", files.size());
  return files.empty() ? 2 : 0;
}
