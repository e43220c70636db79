#include "api/status_fields.h"

namespace weir::api {
namespace {

// clang-format off
constexpr StatusField kFields[] = {
    {"lb", "state", "string", "CREATING, ACTIVE, DOWN, STARTING, STOPPING or CREATE_FAILED"},
    {"lb", "reason", "string", "what it waits for, or why it failed; else empty"},
    {"lb", "securityGroupIds[]", "string", "of an alb: the groups in force, those it names or the default group of its VPC"},
    {"lb", "nodes[].node", "string", "a node that serves it"},
    {"lb", "nodes[].appliedRevision", "integer", "the revision in force there"},
    {"lb", "nodes[].state", "string", "of the address there: held, pending, failed, or unknown until the node has reported"},
    {"lb", "nodes[].detail", "string", "why, where there is something to say"},
    {"eip", "state", "string", "ASSOCIATED or NOT_ASSOCIATED"},
    {"eip", "nodes[].node", "string", "a node that serves its load balancer"},
    {"eip", "nodes[].appliedRevision", "integer", "the revision in force there"},
    {"eip", "nodes[].state", "string", "of the address there: held, pending, failed, or unknown until the node has reported"},
    {"eip", "nodes[].detail", "string", "why, where there is something to say"},
    {"listener", "state", "string", "pending, serving, failed, off (switched off) or stopped (its load balancer is)"},
    {"listener", "datapath", "string", "what forwards: proxy"},
    {"listener", "nodes[].node", "string", "a node that serves its load balancer"},
    {"listener", "nodes[].appliedRevision", "integer", "the revision in force there"},
    {"listener", "nodes[].state", "string", "there: serving, pending, failed, or unknown until the node has reported"},
    {"listener", "nodes[].detail", "string", "why, where there is something to say"},
    {"backend", "targets.healthy", "integer", "targets that are healthy"},
    {"backend", "targets.unhealthy", "integer", "targets that are not, on some node"},
    {"backend", "targets.initial", "integer", "targets not judged yet"},
    {"backend", "targets.N/A", "integer", "targets of a closed check"},
    {"backend", "failingOpenOn[]", "string", "nodes on which it fails open now"},
    {"backend", "nodes[].node", "string", "a node that serves its load balancer"},
    {"backend", "nodes[].appliedRevision", "integer", "the revision in force there"},
    {"backend", "nodes[].state", "string", "of the object there: applied, pending, failed, or unknown until the node has reported"},
    {"backend", "nodes[].detail", "string", "why, where there is something to say"},
    {"tg", "nodes[].node", "string", "a node that serves its load balancer"},
    {"tg", "nodes[].appliedRevision", "integer", "the revision in force there"},
    {"tg", "nodes[].state", "string", "of the object there: applied, pending, failed, or unknown until the node has reported"},
    {"tg", "nodes[].detail", "string", "why, where there is something to say"},
    {"target", "ipAddress", "string", "where its traffic goes, also when it names an instance"},
    {"securityGroup", "loadBalancerIds[]", "string", "those for which it is in force"},
    {"securityGroup", "nodes[].node", "string", "a node that serves one of them"},
    {"securityGroup", "nodes[].appliedRevision", "integer", "the revision in force there"},
    {"securityGroup", "nodes[].state", "string", "of the object there: applied, pending, failed, or unknown until the node has reported"},
    {"securityGroup", "nodes[].detail", "string", "why, where there is something to say"},
    {"node", "state", "string", "connected or disconnected"},
    {"node", "appliedRevision", "integer", "the revision in force there"},
    {"node", "epoch", "integer", "the epoch of that revision"},
    {"node", "addresses[].address", "string", "an address it serves"},
    {"node", "addresses[].state", "string", "held or failed"},
    {"node", "addresses[].detail", "string", "why, where there is something to say"},
    {"ag", "members", "integer", "instances that belong to it"},
    {"ag", "running", "integer", "those of them that run"},
    {"ag", "backends[]", "string", "backend services that name it"},
    {"table", "state", "string", "applied when all nodes that serve have it, else pending"},
    {"table", "nodes[].node", "string", "a node that serves a load balancer with it"},
    {"table", "nodes[].generation", "integer", "the generation there"},
    {"table", "nodes[].checksum", "integer", "the checksum there"},
    {"", "errors[].node", "string", "a node that cannot apply the object"},
    {"", "errors[].reason", "string", "unsupported, invalid, pending or cannot_listen"},
    {"", "errors[].detail", "string", "what it does not understand or lacks"},
    {"", "errors[].revision", "integer", "the revision it could not apply"},
};
// clang-format on

}  // namespace

std::span<const StatusField> status_fields() { return kFields; }

}  // namespace weir::api
