// The answer of a long job. Asked with ?progress=1 it is lines of JSON: how far the job has got,
// and as the last one {"status":N,"reply":...}; else one reply at the end.
#pragma once

#include "engine/admin/http.h"

#include <boost/json/fwd.hpp>

namespace farthing::engine::admin {

class JobReply {
 public:
  JobReply(const HttpRequest& request, Stream& stream);

  // False: the other side is gone.
  bool progress(const boost::json::object& line);
  Reply finish(Reply reply);

 private:
  Stream& stream_;
  bool streams_;
  bool alive_ = true;
};

}  // namespace farthing::engine::admin
