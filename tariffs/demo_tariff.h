// The demo tariff, tariffs/samples/demo.yaml, as it was when the program was built: farthingd
// --demo needs no file.
#pragma once

#include <string_view>

namespace farthing::tariffs {

std::string_view demo_tariff_text();

}  // namespace farthing::tariffs
