// Plays one transcript (transcript.h) and compares: what servers get wrong, one behaviour a file of
// tests/diameter/traps, each a test of the file's name.
//
//   trap_test FILE            0: it went as written
//   trap_test --update FILE   writes what really happened: read the difference before you commit it
#include "tests/diameter/transcript.h"

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace {

// The first line in which they differ.
void show_difference(const std::string& file, const std::string& written,
                     const std::string& played) {
  std::istringstream a(written);
  std::istringstream b(played);
  std::string expected;
  std::string got;
  for (int line = 1;; ++line) {
    const bool has_expected = bool(std::getline(a, expected));
    const bool has_got = bool(std::getline(b, got));
    if (!has_expected && !has_got) return;
    if (has_expected && has_got && expected == got) continue;
    fmt::print(stderr, "{}:{}: it was written\n  {}\nand it went\n  {}\n", file, line,
               has_expected ? expected : "(end)", has_got ? got : "(end)");
    return;
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bool updates = argc == 3 && std::string_view(argv[1]) == "--update";
  if (argc != 2 && !updates) {
    fmt::print(stderr, "usage: trap_test [--update] FILE\n");
    return 2;
  }
  const std::string file = argv[argc - 1];
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in || text.str().empty()) {
    fmt::print(stderr, "{} cannot be read\n", file);
    return 2;
  }
  try {
    const std::string played = farthing::test::play_transcript(text.str());
    if (updates) {
      std::ofstream(file) << played;
      return 0;
    }
    if (played == text.str()) return 0;
    show_difference(file, text.str(), played);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: {}\n", file, error.what());
  }
  return 1;
}
