// Aligned columns for people: a bold heading on a terminal, numbers to the right.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace farthing::tools {

struct Column {
  std::string name;
  bool right = false;
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // REQUIRES: as many cells as there are columns. An empty cell is shown as "-".
  void add(std::vector<std::string> cells);
  void print(std::ostream& out, bool colours) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace farthing::tools
