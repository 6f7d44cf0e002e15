// A Diameter client that is not ours: libfdcore, with its own state machine, codec, dictionary and
// rules. A request is written as a tree of AVPs by their names in its dictionary; an answer is read
// as it understood it.
//
// libfdcore can be started once in a process: so is this. Threads: the test's, beside libfdcore's
// own. Errors: what fails throws (the test fails); an answer that its rules refuse never comes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "tests/system/process.h"

namespace farthing::test {

// One AVP: "CC-Request-Type" = 1 (32 bits, in its dictionary signed or not), octets (64 bits),
// text, or a group of others.
struct ForeignAvp {
  std::string name;
  std::variant<std::int32_t, std::uint64_t, std::string, std::vector<ForeignAvp>> value;
};
using ForeignAvps = std::vector<ForeignAvp>;

// The AVPs of an answer by their path, in order: "Multiple-Services-Credit-Control/Result-Code" ->
// {"2001", "4012"}. Numbers are decimal.
using ForeignAnswer = std::map<std::string, std::vector<std::string>>;

class ForeignClient {
 public:
  // Connects and exchanges capabilities. `folder` takes its configuration.
  ForeignClient(const TempFolder& folder, std::uint16_t port);
  ~ForeignClient();
  ForeignClient(const ForeignClient&) = delete;
  ForeignClient& operator=(const ForeignClient&) = delete;

  // Sends a Credit-Control-Request with these AVPs after its Session-Id, Origin-Host and
  // Origin-Realm.
  ForeignAnswer ask(const std::string& session_id, const ForeignAvps& avps);
};

}  // namespace farthing::test
