#include "engine/admin/job_reply.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace farthing::engine::admin {

JobReply::JobReply(const HttpRequest& request, Stream& stream)
    : stream_(stream), streams_(!request.query_value("progress").empty()) {
  if (streams_) stream_.begin("application/x-ndjson");
}

bool JobReply::progress(const boost::json::object& line) {
  if (streams_ && alive_) alive_ = stream_.write(boost::json::serialize(line) + "\n");
  return alive_;
}

Reply JobReply::finish(Reply reply) {
  if (!streams_) return reply;
  while (reply.body.ends_with('\n')) reply.body.pop_back();
  if (alive_) {
    alive_ =
        stream_.write(fmt::format("{{\"status\":{},\"reply\":{}}}\n", reply.status, reply.body));
  }
  if (alive_) stream_.finish();
  return reply;
}

}  // namespace farthing::engine::admin
