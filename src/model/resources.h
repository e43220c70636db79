// The typed form of every kind's spec and admin part. Each struct lists its fields once in
// fields(): JSON, validation, schema, command-line flags and columns come from that list
// (model/field.h). Field names are those of the public API. Thread: values.
#pragma once

#include <string>
#include <vector>

#include "model/field.h"
#include "model/object.h"

// The one-line field lists of each kind stand in the files below, one per kind.
#include "model/availability_group.h"
#include "model/backend.h"
#include "model/drain.h"
#include "model/elastic_ip.h"
#include "model/instance.h"
#include "model/keyring.h"
#include "model/listener.h"
#include "model/load_balancer.h"
#include "model/node.h"
#include "model/placement.h"
#include "model/security_group.h"
#include "model/subnet.h"
#include "model/table.h"
#include "model/target_group.h"
#include "model/vpc.h"
