/* rt_farthing.fdx: what freeDiameter loads. It hands the octets of each message to the router and
 * turns its preferences into scores; it decides nothing itself.
 *
 * The octets are taken by fd_msg_bufferize, which copies AVPs that freeDiameter has not parsed as
 * they came: no dictionary is needed. An error that a callback returns ends the message, one of the
 * forwarding side the daemon (routing_dispatch.c): so 0 is returned whatever happens, and what
 * cannot be read is routed as without us. Threads: freeDiameter's routing-in calls on_answer, its
 * routing-out on_request. */
#include <freeDiameter/extension.h>

#include <stdlib.h>

#include "diameter/agent/extension_router.h"

enum {
  application_credit_control = 4,
  /* Below what freeDiameter's own callbacks have (10): called after them. */
  priority_last = 1,
  /* Above and below all that those add up to. */
  score_wanted = 1000,
  score_never = -1000000,
};

static struct farthing_router* router;
static struct fd_rt_out_hdl* request_handler;
static struct fd_rt_fwd_hdl* answer_handler;

static int is_credit_control(struct msg* message) {
  struct msg_hdr* header = NULL;
  return fd_msg_hdr(message, &header) == 0 && header->msg_appl == application_credit_control;
}

static void add_preferences(const struct farthing_decision* decision, struct fd_list* candidates) {
  for (struct fd_list* at = candidates->next; at != candidates; at = at->next) {
    struct rtd_candidate* candidate = (struct rtd_candidate*)at;
    /* It has no common application: nothing makes up for that. */
    if (candidate->score < FD_SCORE_SENT_REDIRECT) continue;
    const int preference =
        farthing_router_preference(router, decision, candidate->diamid, candidate->diamidlen);
    if (preference > 0) candidate->score = score_wanted + preference;
    if (preference < 0) candidate->score = score_never;
  }
}

static int on_request(void* data, struct msg** message, struct fd_list* candidates) {
  (void)data;
  if (!is_credit_control(*message)) return 0;
  uint8_t* octets = NULL;
  size_t bytes = 0;
  if (fd_msg_bufferize(*message, &octets, &bytes) != 0) return 0;
  struct farthing_decision decision;
  farthing_router_decide(router, octets, bytes, &decision);
  add_preferences(&decision, candidates);
  free(octets);
  return 0;
}

static int on_answer(void* data, struct msg** message) {
  (void)data;
  if (!is_credit_control(*message)) return 0;
  DiamId_t peer = NULL;
  size_t peer_bytes = 0;
  if (fd_msg_source_get(*message, &peer, &peer_bytes) != 0 || peer == NULL) return 0;
  uint8_t* octets = NULL;
  size_t bytes = 0;
  if (fd_msg_bufferize(*message, &octets, &bytes) != 0) return 0;
  farthing_router_learn(router, octets, bytes, peer, peer_bytes);
  free(octets);
  return 0;
}

static int load(char* map_file) {
  if (map_file == NULL) {
    fd_log_error("rt_farthing: no map is named: LoadExtension = \"rt_farthing.fdx\" : \"MAP\";");
    return EINVAL;
  }
  char error[512];
  router = farthing_router_open(map_file, error, sizeof error);
  if (router == NULL) {
    fd_log_error("rt_farthing: %s", error);
    return EINVAL;
  }
  const int failed = fd_rt_out_register(on_request, NULL, priority_last, &request_handler);
  if (failed != 0) return failed;
  return fd_rt_fwd_register(on_answer, NULL, RT_FWD_ANS, &answer_handler);
}

void fd_ext_fini(void) {
  if (answer_handler != NULL) fd_rt_fwd_unregister(answer_handler, NULL);
  if (request_handler != NULL) fd_rt_out_unregister(request_handler, NULL);
  farthing_router_close(router);
}

EXTENSION_ENTRY("rt_farthing", load)
