// The tariff language: YAML files compiled to an immutable Tariff, or refused whole with every
// error.
//
// tariffs/samples/demo.yaml shows the language with comments; tariffs/README.md lists its keys. A
// file is checked in itself (types, ranges, names, times that exist) and for what can go wrong
// later: a grant smaller than one charged step, a largest grant whose price leaves the range of
// money, a rating group with no price, an offer that nothing could use. Threads: no shared state
// but the system's time zones.
#pragma once

#include "engine/base/result.h"
#include "tariffs/file_error.h"
#include "tariffs/tariff.h"

#include <memory>
#include <string_view>
#include <vector>

namespace farthing::tariffs {

// What there is to say about a file.
struct CheckedTariff {
  std::shared_ptr<const Tariff> tariff;  // nullptr: there are errors
  std::vector<FileError> errors;
  std::vector<FileError> warnings;  // what is allowed, and hardly meant (tariff_warnings.h)
};

CheckedTariff check_tariff(std::string_view file_name, std::string_view text);

// The same for those who want the tariff only: a file that was loaded before, above all.
// `file_name` is only what errors are headed with. The errors come in the order of the file.
base::Result<std::shared_ptr<const Tariff>, std::vector<FileError>> compile_tariff(
    std::string_view file_name, std::string_view text);

}  // namespace farthing::tariffs
