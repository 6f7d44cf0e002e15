// What a client is to be told of its open session because something was done to the account
// meanwhile: ask again, since there is credit again, or end it (RFC 8506 5.5; RFC 6733 8.5).
//
// Follows from the entry that did it and the account after it. Plain values, made on the shard's
// thread when the entry is made and handed on when it is durable.
#pragma once

#include "engine/account.h"
#include "engine/entry.h"
#include "engine/types.h"

#include <optional>
#include <string>
#include <vector>

namespace farthing::engine {

struct ClientNotice {
  enum class Kind : std::uint8_t {
    ask_again,  // what stands at its last grant may be granted more
    end,        // its subscriber may use nothing any more
  };

  Kind kind = Kind::ask_again;
  std::string session_id;
  // Of the client that the session was last heard from.
  std::string origin_host;
  std::string origin_realm;
  std::string via;  // the peer that brought its requests; "": the client itself
  // The only rating group that it is about; nullopt: there are others, or it has none.
  std::optional<RatingGroup> rating_group;
};

// Whether find_notices() may find any: a quick look.
bool may_concern_clients(const Entry& entry);

// Whether the session was last heard from this client.
bool is_of_client(const Session& session, std::string_view origin_host);

// Appends those that the entry asks for. `account`: as it is after the entry.
void find_notices(const Entry& entry, const Account& account, std::vector<ClientNotice>& notices);

}  // namespace farthing::engine
