// A tariff's tables from disk: the CSV files that it names, which stand in its own folder.
//
// Names of tables have no folder in them, so that nothing outside of the tariff's is read. Blocks
// while it reads. Threads: no shared state.
#pragma once

#include "engine/base/result.h"
#include "tariffs/tariff_source.h"

#include <string>

namespace farthing::tariffs {

// The tariff file `path`, whose text is read already, with its tables. A table that is not there is
// left out: compile_tariff says where it is named. The error: one that is there cannot be read.
base::Result<TariffSource, SourceError> with_tables(const std::string& path, std::string text);

// Writes the tariff, as tariff.yaml, and its tables into a folder that is made for them. The error:
// there is something of that name already, or it cannot be written.
base::Result<void, SourceError> write_source(const std::string& folder, const TariffSource& source);

}  // namespace farthing::tariffs
