// The profiles of peers by name: those that are built in (diameter/peer_profile.h) and the
// `profiles` of the configuration file.
//
// Errors go to the caller's list, with line and column. Threads: no shared state.
#pragma once

#include "diameter/peer_profile.h"
#include "tariffs/file_error.h"
#include "tariffs/yaml_reader.h"

#include <map>
#include <optional>
#include <string>

namespace farthing::engine {

class PeerProfiles {
 public:
  PeerProfiles();  // those that are built in

  // The map of profiles by name. A profile has what the one before it in `based_on` has, else the
  // default one, but for the keys that it names.
  void read(const tariffs::YamlNode& node, tariffs::FileErrors& errors);
  // The profile that the text names.
  std::optional<diameter::PeerProfile> read_reference(const tariffs::YamlNode& node,
                                                      tariffs::FileErrors& errors) const;

 private:
  diameter::PeerProfile read_one(const tariffs::YamlEntry& entry,
                                 tariffs::FileErrors& errors) const;

  std::map<std::string, diameter::PeerProfile, std::less<>> profiles_;
};

}  // namespace farthing::engine
