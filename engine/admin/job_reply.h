// The answer of a long job. Asked with ?progress=1 it is lines of JSON: how far the job has got,
// and as the last one {"status":N,"reply":...}; else one reply at the end.
#pragma once

#include "engine/admin/http.h"
#include "engine/admin/job_place.h"

#include <boost/json/fwd.hpp>

#include <atomic>
#include <string_view>
#include <utility>

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

// Runs a long job in its place: run(reply) says how far it has got, and returns the last word.
// `busy` is what is said where the place is taken.
template <class Run>
Reply run_job(std::atomic<bool>& taken, std::string_view busy, const HttpRequest& request,
              Stream& stream, Run run) {
  JobPlace place(taken);
  if (!place.mine()) return error_reply(409, "busy", busy);
  JobReply reply(request, stream);
  Reply result = run(reply);
  place.leave();
  return reply.finish(std::move(result));
}

}  // namespace farthing::engine::admin
