// Plays every file of tests/diameter/transcripts and compares. With FARTHING_UPDATE_TRANSCRIPTS
// set, writes what really happened into the files instead: read the difference before you commit
// it.
#include "tests/diameter/transcript.h"

#include <gtest/gtest.h>

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace farthing::test {
namespace {

std::vector<std::filesystem::path> transcripts() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(FARTHING_TRANSCRIPTS)) {
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

class Transcript : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(Transcript, GoesAsWritten) {
  std::ifstream in(GetParam());
  std::ostringstream text;
  text << in.rdbuf();
  const std::string played = play_transcript(text.str());
  if (std::getenv("FARTHING_UPDATE_TRANSCRIPTS") != nullptr) {
    std::ofstream(GetParam()) << played;
    return;
  }
  EXPECT_EQ(played, text.str());
}

INSTANTIATE_TEST_SUITE_P(All, Transcript, testing::ValuesIn(transcripts()),
                         [](const auto& file) { return file.param.stem().string(); });

}  // namespace
}  // namespace farthing::test
