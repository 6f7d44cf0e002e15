// Writes the large tariff (large_tariff.h) into a folder, for `farthing tariff load`.
#include "bench/large_tariff.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

int main(int count, char** arguments) {
  if (count != 2) {
    fmt::print(stderr, "usage: bench_large_tariff FOLDER\n");
    return 2;
  }
  const std::filesystem::path folder(arguments[1]);
  const farthing::tariffs::TariffSource tariff = farthing::bench::large_tariff();
  const auto write = [&folder](const std::string& name, const std::string& content) {
    return static_cast<bool>(std::ofstream(folder / name, std::ios::binary) << content);
  };
  bool is_written = write("large.yaml", tariff.text);
  for (const auto& [name, content] : tariff.tables) is_written = write(name, content) && is_written;
  if (!is_written) fmt::print(stderr, "{}: cannot be written\n", folder.string());
  return is_written ? 0 : 1;
}
