/* A freeDiameter responder: a dispatch callback that answers every CCR with the same grant, and
 * keeps nothing. The yardstick for a full stack in the hot path.
 *
 *   bench_freediameter CONFIG     (prints "ready" once it serves; SIGTERM ends)
 *
 * The configuration loads dict_dcca and dict_dcca_3gpp, so that requests are checked by the
 * dictionary as they would be in a server. Threads: freeDiameter's own. */
#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { application_credit_control = 4, command_credit_control = 272, grant_octets = 1000000 };

static struct dict_object* object_of(uint32_t avp_code) {
  struct dict_object* object = NULL;
  if (fd_dict_search(fd_g_config->cnf_dict, DICT_AVP, AVP_BY_CODE, &avp_code, &object, ENOENT) !=
      0) {
    fprintf(stderr, "bench_freediameter: no AVP %u in the dictionary\n", avp_code);
  }
  return object;
}

static struct {
  struct dict_object *request_type, *request_number, *auth_application, *mscc, *granted,
      *total_octets, *rating_group, *validity, *result;
} avps;

static void find_avps(void) {
  avps.request_type = object_of(416);
  avps.request_number = object_of(415);
  avps.auth_application = object_of(258);
  avps.mscc = object_of(456);
  avps.granted = object_of(431);
  avps.total_octets = object_of(421);
  avps.rating_group = object_of(432);
  avps.validity = object_of(448);
  avps.result = object_of(268);
}

static struct avp* add(void* parent, struct dict_object* object) {
  struct avp* avp = NULL;
  if (fd_msg_avp_new(object, 0, &avp) != 0) return NULL;
  if (fd_msg_avp_add(parent, MSG_BRW_LAST_CHILD, avp) != 0) return NULL;
  return avp;
}

static void add32(void* parent, struct dict_object* object, uint32_t number) {
  union avp_value value;
  memset(&value, 0, sizeof value);
  value.u32 = number;
  struct avp* avp = add(parent, object);
  if (avp != NULL) fd_msg_avp_setvalue(avp, &value);
}

static uint32_t number_in(struct msg* message, struct dict_object* object) {
  struct avp* avp = NULL;
  struct avp_hdr* header = NULL;
  if (fd_msg_search_avp(message, object, &avp) != 0 || avp == NULL) return 0;
  if (fd_msg_avp_hdr(avp, &header) != 0 || header->avp_value == NULL) return 0;
  return header->avp_value->u32;
}

static int on_request(struct msg** message, struct avp* avp, struct session* session, void* opaque,
                      enum disp_action* action) {
  (void)avp;
  (void)session;
  (void)opaque;
  (void)action;
  const uint32_t type = number_in(*message, avps.request_type);
  const uint32_t number = number_in(*message, avps.request_number);
  if (fd_msg_new_answer_from_req(fd_g_config->cnf_dict, message, 0) != 0) return 0;
  char success[] = "DIAMETER_SUCCESS";
  fd_msg_rescode_set(*message, success, NULL, NULL, 1);
  add32(*message, avps.auth_application, application_credit_control);
  add32(*message, avps.request_type, type);
  add32(*message, avps.request_number, number);
  struct avp* mscc = add(*message, avps.mscc);
  struct avp* granted = add(mscc, avps.granted);
  union avp_value octets;
  memset(&octets, 0, sizeof octets);
  octets.u64 = grant_octets;
  fd_msg_avp_setvalue(add(granted, avps.total_octets), &octets);
  add32(mscc, avps.rating_group, 10);
  add32(mscc, avps.validity, 3600);
  add32(mscc, avps.result, 2001);
  return fd_msg_send(message, NULL, NULL);
}

static int serve(const char* config) {
  char name[1024];
  snprintf(name, sizeof name, "%s", config);
  if (fd_core_initialize() != 0 || fd_core_parseconf(name) != 0) return 1;
  find_avps();
  application_id_t application_code = application_credit_control;
  command_code_t command_code = command_credit_control;
  struct dict_object* application = NULL;
  struct dict_object* command = NULL;
  if (fd_dict_search(fd_g_config->cnf_dict, DICT_APPLICATION, APPLICATION_BY_ID, &application_code,
                     &application, ENOENT) != 0 ||
      fd_dict_search(fd_g_config->cnf_dict, DICT_COMMAND, CMD_BY_CODE_R, &command_code, &command,
                     ENOENT) != 0) {
    return 1;
  }
  struct disp_when when;
  memset(&when, 0, sizeof when);
  when.app = application;
  when.command = command;
  if (fd_disp_register(on_request, DISP_HOW_CC, &when, NULL, NULL) != 0) return 1;
  if (fd_disp_app_support(application, NULL, 1, 0) != 0) return 1;
  if (fd_core_start() != 0 || fd_core_waitstartcomplete() != 0) return 1;
  return 0;
}

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: bench_freediameter CONFIG\n");
    return 2;
  }
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ends, NULL);
  if (serve(argv[1]) != 0) return 1;
  printf("ready\n");
  fflush(stdout);
  int signal = 0;
  sigwait(&ends, &signal);
  fd_core_shutdown();
  fd_core_wait_shutdown_complete();
  return 0;
}
