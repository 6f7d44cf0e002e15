// The tables and calendars of a tariff file, and the conditions of prices that name them.
//
// Part of compile_tariff (tariffs/tariff_file.h). Errors in a table have the table's name. Threads:
// no shared state.
#pragma once

#include "tariffs/calendar.h"
#include "tariffs/conditions.h"
#include "tariffs/tariff_source.h"
#include "tariffs/yaml_reader.h"
#include "tariffs/zone_table.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace farthing::tariffs {

class TariffTables {
 public:
  TariffTables(const TariffSource& source, FileErrors& errors) : source_(source), errors_(errors) {}

  // Reads the keys `tables` and `calendars` of the file.
  void read(YamlMap& file, std::string_view time_zone);

  // Reads the conditions among the keys of a price and adds them to its name: "voice/*/eu/peak".
  Conditions read_conditions(YamlMap& price, std::string& name) const;

  // Whether all time classes of the calendar are among these.
  bool are_all_classes(const Conditions::Times& times) const;

  std::shared_ptr<const ZoneTable> zones() const { return zones_; }
  std::vector<CalendarParts> take_calendars() { return std::move(calendars_); }
  std::vector<FileError> take_errors() { return std::move(table_errors_); }  // in the tables

 private:
  const SourceTable* find_table(const YamlNode* node);
  void check_that_all_are_named() const;
  void read_calendars(const YamlNode& node, std::string_view time_zone);
  void read_zones(const YamlNode& node, Conditions& conditions, std::string& name) const;
  void read_times(const YamlNode& node, Conditions& conditions, std::string& name) const;

  const TariffSource& source_;
  FileErrors& errors_;
  std::vector<FileError> table_errors_;
  std::vector<std::string> named_;  // tables
  std::shared_ptr<const ZoneTable> zones_;
  std::optional<DayTable> days_;
  std::vector<CalendarParts> calendars_;
};

}  // namespace farthing::tariffs
